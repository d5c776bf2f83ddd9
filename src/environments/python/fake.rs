//! For tests: an interpreter whose program has said all its answers before it is asked, whatever is installed.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Puts one into `folder`. Its environment has observations of this shape, all numbers 0.25, and so many actions; it
/// answers a reset and steps of reward 1, `answers` in all, and cannot be saved. The names that it was started with are
/// written to `asked` there, a line each.
pub fn interpreter(folder: &Path, shape: &[u32], actions: u32, answers: usize) -> PathBuf {
    let frame = |payload: &[u8]| [&(payload.len() as u32).to_le_bytes(), payload].concat();
    let mut spaces = b"I".to_vec();
    spaces.extend((shape.len() as u32).to_le_bytes());
    spaces.extend(shape.iter().flat_map(|size| size.to_le_bytes()));
    spaces.push(1);
    spaces.extend(actions.to_le_bytes());
    spaces.extend(5u64.to_le_bytes());
    spaces.push(0);
    spaces.extend(0f64.to_le_bytes());
    spaces.extend(b"it is a file");
    let mut step = b"O".to_vec();
    step.extend(1f64.to_le_bytes());
    // No end, no word of success, no positions; then an observation.
    step.extend([0; 3 + 3 * 4 + 1]);
    step.extend(0.25f64.to_le_bytes().repeat(shape.iter().product::<u32>() as usize));
    std::fs::write(folder.join("frames"), [frame(&spaces), frame(&step).repeat(answers)].concat()).unwrap();
    let path = folder.join("python");
    let text = "#!/bin/sh\nhere=$(dirname \"$0\")\necho \"$3\" >> \"$here/asked\"\ncat \"$here/frames\"\ncat > /dev/null\n";
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}
