//! The columns of a kind of row, from its type alone: files are checked against them before any row is read.

use serde::de::value::Error;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

/// Names of the fields of `R` in their order, which are the columns of its file.
#[must_use]
pub fn columns<'a, R: Deserialize<'a>>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // A type asks for its fields by their names before it reads them; that is all there is to it.
    let _ = R::deserialize(Fields(&mut fields));
    fields
}

/// Notes the fields that it is asked for, and has no values for them.
struct Fields<'f>(&'f mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("only the names were wanted"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("a row is a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{StepRow, TimeRow};

    #[test]
    fn a_rows_fields_are_its_columns() {
        assert_eq!(columns::<TimeRow>(), ["run", "task", "seconds", "steps_per_second"]);
        assert_eq!(columns::<StepRow>(), ["run", "task", "step", "loss", "accuracy"]);
        assert!(columns::<u8>().is_empty());
    }
}
