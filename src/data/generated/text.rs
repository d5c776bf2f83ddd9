//! `generated-text`: sentences of an invented language, in windows of 64 characters with the one that follows.
//!
//! 400 words of one to three syllables. A word is followed by one of six others of its own, the first of them most
//! often, or (one time in five) by any, the frequent ones most often (Zipf). A sentence has four to twelve words, with
//! commas here and there, and ends with a full stop. Letters depend on those before them in the word, words on the word
//! before: about 1.5 bits a character remain to who knows the language, against 4.1 to who knows its letters alone.
//!
//! A window is an image of 1 × 64 whose bytes are the numbers of characters: a to z, blank, comma, full stop. Its label
//! is the character that follows. Windows share none: the test set is what follows the training set.

use std::collections::BTreeSet;

use crate::data::Images;
use crate::data::manifest::{Content, Manifest, Origin};
use crate::random::Stream;

const SEED: u64 = 0x7465_7874_7465_7801;
const LENGTH: usize = 64;
/// a to z, blank, comma, full stop.
const CHARACTERS: usize = 29;
pub(in crate::data) const BLANK: u8 = 26;
pub(in crate::data) const COMMA: u8 = 27;
pub(in crate::data) const STOP: u8 = 28;

const WORDS: usize = 400;
/// Words that may follow each.
const FOLLOWERS: usize = 6;
const CONSONANTS: &[u8] = b"bcdfghklmnprstvwyz";
const VOWELS: &[u8] = b"aeiou";

/// See the module's text.
pub const GENERATED_TEXT: Manifest = Manifest {
    name: "generated-text",
    summary: "sentences of an invented language, 64 characters and the next; for networks that read characters, needs \
              no files",
    source: "this program",
    licence: "that of this program",
    content: Content::Characters,
    channels: 1,
    height: 1,
    width: LENGTH,
    classes: CHARACTERS,
    coarse_classes: 0,
    train: 4096,
    test: 512,
    mean: &[],
    std: &[],
    checksum: Some("3bc534966ea128be365a04b72e921bc7f405c19f8224de8c423985d924d89f6a"),
    origin: Origin::Generated(write),
};

/// Any of the list.
fn any<T: Copy>(list: &[T], stream: &mut Stream) -> T {
    list[stream.below(list.len() as u64) as usize]
}

fn syllable(stream: &mut Stream, word: &mut Vec<u8>) {
    word.push(any(CONSONANTS, stream) - b'a');
    word.push(any(VOWELS, stream) - b'a');
    if stream.unit() < 0.4 {
        word.push(any(b"lnrst", stream) - b'a');
    }
}

/// The words, all different, shorter ones more often among the first.
fn lexicon(stream: &mut Stream) -> Vec<Vec<u8>> {
    let (mut words, mut seen) = (Vec::new(), BTreeSet::new());
    while words.len() < WORDS {
        let syllables = 1 + stream.below(1 + 3 * words.len() as u64 / WORDS as u64) as usize;
        let mut word = Vec::new();
        (0..syllables).for_each(|_| syllable(stream, &mut word));
        if seen.insert(word.clone()) {
            words.push(word);
        }
    }
    words
}

/// A number below `count`, k with a weight of 1/(k + 1).
fn zipf(count: usize, stream: &mut Stream) -> usize {
    let total: f64 = (1..=count).map(|k| 1.0 / k as f64).sum();
    let mut left = stream.unit() * total;
    for k in 0..count {
        left -= 1.0 / (k + 1) as f64;
        if left < 0.0 {
            return k;
        }
    }
    count - 1
}

/// The first `count` characters of the text.
fn text(count: usize) -> Vec<u8> {
    let mut stream = Stream::new(SEED, "data", 0);
    let words = lexicon(&mut stream);
    let followers: Vec<[usize; FOLLOWERS]> =
        (0..WORDS).map(|_| std::array::from_fn(|_| zipf(WORDS, &mut stream))).collect();
    let mut stream = Stream::new(SEED, "data", 1);
    let (mut all, mut word) = (Vec::with_capacity(count + 256), 0);
    while all.len() < count {
        let length = 4 + stream.below(9);
        for place in 0..length {
            word = if stream.unit() < 0.2 {
                zipf(WORDS, &mut stream)
            } else {
                followers[word][zipf(FOLLOWERS, &mut stream)]
            };
            all.extend_from_slice(&words[word]);
            if place + 1 == length {
                all.push(STOP);
            } else if stream.unit() < 0.08 {
                all.push(COMMA);
            }
            all.push(BLANK);
        }
    }
    all.truncate(count);
    all
}

/// Windows of the manifest's length, each with the character behind it as its label.
pub(in crate::data) fn windows(manifest: &Manifest, text: &[u8]) -> Images {
    let mut images = manifest.empty(text.len() / (LENGTH + 1));
    for window in text.chunks_exact(LENGTH + 1) {
        images.pixels.extend_from_slice(&window[..LENGTH]);
        images.labels.push(u32::from(window[LENGTH]));
    }
    images
}

fn write() -> (Images, Images) {
    let [train, test] = [GENERATED_TEXT.train, GENERATED_TEXT.test];
    let text = text((train + test) * (LENGTH + 1));
    let (first, second) = text.split_at(train * (LENGTH + 1));
    (windows(&GENERATED_TEXT, first), windows(&GENERATED_TEXT, second))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits of a character for who knows how often each follows the `before` last ones, both in the text itself.
    fn entropy(text: &[u8], before: usize) -> f64 {
        let mut counts = std::collections::BTreeMap::<&[u8], [u32; CHARACTERS]>::new();
        for window in text.windows(before + 1) {
            counts.entry(&window[..before]).or_insert([0; CHARACTERS])[usize::from(window[before])] += 1;
        }
        let all = (text.len() - before) as f64;
        let bits = counts.values().map(|counts| {
            let sum = f64::from(counts.iter().sum::<u32>());
            let of = |&count: &u32| f64::from(count) * (sum / f64::from(count)).log2();
            counts.iter().filter(|&&count| count > 0).map(of).sum::<f64>()
        });
        bits.sum::<f64>() / all
    }

    #[test]
    fn context_says_much_of_what_comes_and_not_all() {
        let text = text(100_000);
        let bits = [0, 1, 3].map(|before| entropy(&text, before));
        println!(
            "{bits:?}: {:?}",
            text[..80].iter().map(|&c| char::from(c.min(25) + b'a')).collect::<String>()
        );
        assert!((4.0..4.3).contains(&bits[0]), "{bits:?}");
        assert!(bits[1] < bits[0] - 0.8 && bits[2] < bits[1] - 0.8 && bits[2] > 0.8, "{bits:?}");
    }

    #[test]
    fn windows_are_one_text_with_labels_between() {
        let (train, test) = write();
        assert_eq!((train.len(), test.len()), (GENERATED_TEXT.train, GENERATED_TEXT.test));
        let text = text(3 * (LENGTH + 1));
        assert_eq!(train.image(1), &text[LENGTH + 1..][..LENGTH]);
        assert_eq!(train.labels[1], u32::from(text[2 * LENGTH + 1]));
        assert!(train.pixels.iter().chain(&test.pixels).all(|&c| usize::from(c) < CHARACTERS));
    }
}
