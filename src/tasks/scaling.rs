//! From pixel bytes to network inputs, by table: a byte has 256 values, so every scaled value is
//! computed once per channel and looked up ever after.

use super::TaskError;
use crate::data::{self, Content, DataSet};
use crate::spec::Scaling;

/// The scaled value of each byte.
pub type Table = [f32; 256];

/// One table a channel.
///
/// The operations and their order are those of torchvision's `ToTensor` and `Normalize` on f32
/// tensors (divide by 255, subtract the mean, divide by the deviation, each rounded to f32), so that
/// inputs agree with `PyTorch`'s to the last bit: `x * (1 / 255)` would not.
///
/// Characters are not scaled: each is its number.
pub fn tables(scaling: Scaling, data: &DataSet) -> Result<Vec<Table>, TaskError> {
    let channels = data.train.channels;
    if data::content(&data.name) == Content::Characters {
        return Ok(vec![std::array::from_fn(|byte| byte as f32); channels]);
    }
    let constants: Vec<Option<(f32, f32)>> = match scaling {
        Scaling::Unit => vec![None; channels],
        Scaling::Symmetric => vec![Some((0.5, 0.5)); channels],
        Scaling::Standardize => {
            let usable = data.mean.len() == channels
                && data.std.len() == channels
                && data.mean.iter().all(|m| m.is_finite())
                && data.std.iter().all(|s| s.is_finite() && *s > 0.0);
            if !usable {
                return Err(TaskError::NoConstants { dataset: data.name.clone(), channels });
            }
            data.mean.iter().zip(&data.std).map(|(&mean, &std)| Some((mean, std))).collect()
        }
    };
    Ok(constants.into_iter().map(table).collect())
}

fn table(constants: Option<(f32, f32)>) -> Table {
    let mut values = [0.0; 256];
    for (byte, value) in (0u8..=255).zip(&mut values) {
        let unit = f32::from(byte) / 255.0;
        *value = constants.map_or(unit, |(mean, std)| (unit - mean) / std);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::fixture;

    /// tests/reference/scaling.py: torch's values for every byte under each scaling.
    const REFERENCE: &str = include_str!("../../tests/reference/scaling.csv");

    #[test]
    fn every_byte_scales_to_the_last_bit_as_in_torch() {
        let mut data = fixture::data(1, 3, 2, 2, 2);
        data.mean = vec![0.5071, 0.4865, 0.4409];
        data.std = vec![0.2673, 0.2564, 0.2762];
        let unit = tables(Scaling::Unit, &data).unwrap();
        let symmetric = tables(Scaling::Symmetric, &data).unwrap();
        let standard = tables(Scaling::Standardize, &data).unwrap();
        let mut bytes = 0;
        for line in REFERENCE.lines().filter(|l| !l.starts_with(['#', 'b'])) {
            let cells: Vec<&str> = line.split(',').collect();
            let byte: usize = cells[0].parse().unwrap();
            let ours =
                [unit[0][byte], symmetric[2][byte], standard[0][byte], standard[1][byte], standard[2][byte]];
            for (ours, torch) in ours.iter().zip(&cells[1..]) {
                let torch: f32 = torch.parse().unwrap();
                assert_eq!(ours.to_bits(), torch.to_bits(), "byte {byte}: {ours} but torch has {torch}");
            }
            bytes += 1;
        }
        assert_eq!(bytes, 256);
    }

    #[test]
    fn standardising_without_constants_names_the_way_out() {
        let mut data = fixture::data(1, 3, 2, 2, 2);
        data.mean = vec![0.5];
        let message = tables(Scaling::Standardize, &data).unwrap_err().to_string();
        assert!(message.contains("3 channels") && message.contains("symmetric"), "{message}");
        data.mean = vec![0.5; 3];
        data.std = vec![0.2, 0.0, 0.2];
        assert!(tables(Scaling::Standardize, &data).is_err(), "a deviation of 0 would divide by it");
    }
}
