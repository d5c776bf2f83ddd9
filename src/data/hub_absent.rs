//! Stands in for the hub in builds without the cargo feature `hub`.

use std::path::PathBuf;

use super::Progress;
use super::manifest::Hub;
use super::places::HubAccess;

pub(super) const UNAVAILABLE: Option<&str> =
    Some("not asked, since this build has no hub support (cargo feature `hub`)");

pub(super) fn cache(access: &HubAccess) -> PathBuf {
    access.cache.clone().unwrap_or_default()
}

pub(super) fn address(_: &Hub, _: &HubAccess) -> String {
    String::new()
}

pub(super) fn cached(_: &Hub, _: &HubAccess) -> Option<Vec<PathBuf>> {
    None
}

pub(super) fn download(_: &Hub, _: &HubAccess, _: &mut dyn Progress) -> Result<Vec<PathBuf>, String> {
    Err("this build has no hub support".into())
}

pub(super) fn discard(_: &[PathBuf]) {}
