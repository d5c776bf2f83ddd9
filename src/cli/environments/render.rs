//! `environments render NAME --policy … --out walk.gif|frames.png`

use std::path::PathBuf;

use anyhow::{Context, anyhow};

use super::draw::{Camera, HEIGHT, WIDTH, draw};
use super::gif;
use super::rollout::Play;
use crate::atomic;
use crate::cli::{Exit, Failure, output};
use crate::environments::Figure;

/// Frames side by side.
const ABREAST: usize = 4;
/// How long a frame of a GIF is seen, in hundredths of a second.
const SHOWN: u16 = 4;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    play: Play,
    /// Frames, spread evenly over the trajectory [default: at most 200 in a GIF, 8 in a PNG]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    frames: Option<u32>,
    /// A moving picture (FILE.gif), or frames side by side (FILE.png)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Carries it out.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let moving = match args.out.extension().and_then(|extension| extension.to_str()) {
        Some("gif") => true,
        Some("png") => false,
        _ => return Err(Failure::usage(anyhow!("--out {}: end it in .gif or .png", args.out.display()))),
    };
    let mut seen: Vec<Vec<Figure>> = Vec::new();
    let played = args.play.run(|world, _, _| {
        seen.extend(world.physics().map(|physics| physics.figures()));
        Ok(())
    })?;
    let frames = spread(seen, args.frames.map_or(if moving { 200 } else { 8 }, |n| n as usize));
    let camera = Camera::new(&frames).ok_or_else(|| {
        Failure::usage(anyhow!(
            "{} cannot be drawn: only mechanisms in a plane have a picture",
            args.play.name
        ))
    })?;
    let pictures = frames.iter().enumerate().map(|(number, figures)| draw(&camera, number, figures));
    let pictures = pictures
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::usage(anyhow!("a frame cannot be drawn: {error}")))?;
    let bytes = if moving {
        let frames: Vec<Vec<u8>> = pictures
            .iter()
            .map(|pixels| pixels.chunks_exact(3).map(|rgb| gif::colour([rgb[0], rgb[1], rgb[2]])).collect())
            .collect();
        gif::encode(WIDTH as u16, HEIGHT as u16, &frames, SHOWN)
    } else {
        strip(&pictures).context("the picture cannot be encoded").map_err(Failure::usage)?
    };
    atomic::write(&args.out, &bytes)
        .with_context(|| format!("{} cannot be written", args.out.display()))
        .map_err(Failure::usage)?;
    output::print(&format!(
        "{}, seed {}, {}: {} steps, return {}, {}; {} frames in {}",
        args.play.name,
        args.play.seed,
        args.play.policy,
        played.steps,
        played.sum,
        played.end,
        pictures.len(),
        args.out.display()
    ))?;
    Ok(Exit::Done)
}

/// At most `most` of the items, the first and the last among them, evenly spread.
fn spread<T>(items: Vec<T>, most: usize) -> Vec<T> {
    let count = items.len();
    if count <= most {
        return items;
    }
    let mut wanted = (0..most).map(|i| if most == 1 { 0 } else { i * (count - 1) / (most - 1) }).peekable();
    let kept = items.into_iter().enumerate().filter(|(i, _)| wanted.next_if_eq(i).is_some());
    kept.map(|(_, item)| item).collect()
}

/// Frames side by side, row after row, as PNG.
fn strip(pictures: &[Vec<u8>]) -> Result<Vec<u8>, png::EncodingError> {
    let (wide, high) = (WIDTH as usize * 3, HEIGHT as usize);
    let columns = pictures.len().min(ABREAST);
    let rows = pictures.len().div_ceil(columns);
    let mut pixels = vec![255; columns * wide * rows * high];
    for (number, picture) in pictures.iter().enumerate() {
        let (row, column) = (number / columns, number % columns);
        for (y, line) in picture.chunks_exact(wide).enumerate() {
            let at = ((row * high + y) * columns + column) * wide;
            pixels[at..at + wide].copy_from_slice(line);
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, columns as u32 * WIDTH, rows as u32 * HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_spread_from_the_first_to_the_last() {
        assert_eq!(spread((0..11).collect(), 3), [0, 5, 10]);
        assert_eq!(spread((0..3).collect(), 8), [0, 1, 2]);
        assert_eq!(spread((0..3).collect(), 1), [0]);
        assert_eq!(spread((0..1001).collect::<Vec<_>>(), 200).len(), 200);
    }

    #[test]
    fn frames_stand_side_by_side() {
        let frame = |value: u8| vec![value; (WIDTH * HEIGHT * 3) as usize];
        let bytes = strip(&[frame(1), frame(2), frame(3), frame(4), frame(5)]).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (4 * WIDTH, 2 * HEIGHT));
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let at = |x: u32, y: u32| pixels[((y * 4 * WIDTH + x) * 3) as usize];
        assert_eq!(
            [at(0, 0), at(WIDTH, 9), at(4 * WIDTH - 1, 0), at(3, HEIGHT), at(WIDTH, HEIGHT)],
            [1, 2, 4, 5, 255]
        );
    }
}
