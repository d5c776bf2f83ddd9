//! Stands in for the hub in builds without the cargo feature `hub`.

use std::path::{Path, PathBuf};

use super::Progress;
use super::manifest::Hub;
use super::places::HubAccess;

pub(super) const UNAVAILABLE: Option<&str> =
    Some("not asked, since this build has no hub support (cargo feature `hub`)");

/// As in a build with the hub.
pub(super) enum Failure {
    NotThere(String),
    #[allow(dead_code, reason = "nothing arrives here")]
    Altered {
        path: String,
        expected: String,
        found: String,
    },
}

pub(super) fn cache(access: &HubAccess) -> PathBuf {
    access.cache.clone().unwrap_or_default()
}

pub(super) fn address(_: &Hub, _: &HubAccess) -> Result<String, String> {
    Err("this build has no hub support".into())
}

pub(super) fn cached(_: &Hub, _: &HubAccess) -> Option<Vec<PathBuf>> {
    None
}

pub(super) fn download(_: &Hub, _: &HubAccess, _: &mut dyn Progress) -> Result<Vec<PathBuf>, Failure> {
    Err(Failure::NotThere("this build has no hub support".into()))
}

pub(super) fn reach(_: &Hub, _: &HubAccess) -> Result<(), String> {
    Err("this build has no hub support".into())
}

pub(super) fn stated_sha256(_: &Path) -> Option<String> {
    None
}

pub(super) fn discard(_: &[PathBuf]) {}
