//! What customers, spaces and manifests may be called.

/// First segment of every public address. A name may not be one of them, whatever the case.
pub const FIRST_PATH_SEGMENTS: &[&str] = &[
    "activity",
    "annotations",
    "audit",
    "auth",
    "autocomplete",
    "customers",
    "docs",
    "file",
    "graphql",
    "health",
    "history",
    "iiif",
    "iiif-img",
    "iiif-manifest",
    "iiif-resource",
    "metrics",
    "openapi.json",
    "pdf",
    "raw-resource",
    "search",
    "static",
    "text",
    "thumbs",
    "view",
    "zip",
];

/// What stands in second place, where a name could be mistaken for it.
const RESERVED_BESIDE: &[&str] =
    &["manifests", "collections", "assets", "spaces", "v1", "v2", "v3"];

/// Slugs that DLCS keeps for itself at any level.
const RESERVED_SLUGS: &[&str] = &[
    "collections",
    "manifests",
    "paintedresources",
    "canvases",
    "annotations",
    "adjuncts",
    "pipelines",
    "queue",
    "assets",
    "configuration",
    "publish",
];

const NAME_BYTES_MAX: usize = 255;
const DISPLAY_NAME_BYTES_MAX: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("the name `{0}` is reserved")]
    Reserved(String),
    #[error("`{name}` cannot be a name: {reason}")]
    Invalid { name: String, reason: &'static str },
}

impl NameError {
    /// Returns the stable code for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Reserved(_) => "name-reserved",
            Self::Invalid { .. } => "name-invalid",
        }
    }
}

/// Checks the name of a customer: 1 to 255 letters, digits, `-`, `_` and `.`, and not reserved.
pub fn check_customer_name(name: &str) -> Result<(), NameError> {
    check_segment(name)?;
    if !name.chars().all(|it| it.is_alphanumeric() || matches!(it, '-' | '_' | '.')) {
        return invalid(name, "it has letters, digits, `-`, `_` and `.` only");
    }
    check_not_reserved(name)
}

/// Checks the name of a space: 1 to 255 bytes of text without `/`, and not reserved.
pub fn check_space_name(name: &str) -> Result<(), NameError> {
    check_segment(name)?;
    check_not_reserved(name)
}

/// Checks the public slug of a manifest: one path segment of 1 to 255 bytes, and not reserved.
pub fn check_slug(slug: &str) -> Result<(), NameError> {
    check_segment(slug)?;
    if RESERVED_SLUGS.iter().any(|it| slug.eq_ignore_ascii_case(it)) {
        return Err(NameError::Reserved(slug.to_owned()));
    }
    Ok(())
}

/// Checks the id of a manifest: one path segment of 1 to 255 bytes; `root` is no manifest.
pub fn check_flat_id(id: &str) -> Result<(), NameError> {
    check_segment(id)?;
    if id.eq_ignore_ascii_case("root") {
        return Err(NameError::Reserved(id.to_owned()));
    }
    Ok(())
}

/// Checks the name of a named query: one path segment of 1 to 255 bytes, and not reserved.
pub fn check_query_name(name: &str) -> Result<(), NameError> {
    check_segment(name)?;
    // In an address this stands where the name would.
    if ["v1", "v2", "v3", "manifests"].iter().any(|it| name.eq_ignore_ascii_case(it)) {
        return Err(NameError::Reserved(name.to_owned()));
    }
    Ok(())
}

/// Checks what people read: up to 1024 bytes without control characters.
pub fn check_display_name(name: &str) -> Result<(), NameError> {
    if name.len() > DISPLAY_NAME_BYTES_MAX {
        return invalid(name, "it is longer than 1024 bytes");
    }
    if name.chars().any(char::is_control) {
        return invalid(name, "it has control characters");
    }
    Ok(())
}

fn check_segment(name: &str) -> Result<(), NameError> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return invalid(name, "it has 1 to 255 bytes");
    }
    if name.chars().any(|it| it.is_control() || it == '/') {
        return invalid(name, "it has no `/` and no control characters");
    }
    if name.trim() != name || name == "." || name == ".." {
        return invalid(name, "it has no space at its ends and is not `.` or `..`");
    }
    Ok(())
}

fn check_not_reserved(name: &str) -> Result<(), NameError> {
    let is_number = name.bytes().all(|it| it.is_ascii_digit());
    let mut reserved = FIRST_PATH_SEGMENTS.iter().chain(RESERVED_BESIDE);
    if is_number || reserved.any(|it| name.eq_ignore_ascii_case(it)) {
        return Err(NameError::Reserved(name.to_owned()));
    }
    Ok(())
}

fn invalid(name: &str, reason: &'static str) -> Result<(), NameError> {
    // A refused name may be megabytes long.
    let name = name.chars().take(64).collect();
    Err(NameError::Invalid { name, reason })
}

#[cfg(test)]
mod tests {
    use super::{
        FIRST_PATH_SEGMENTS, NameError, check_customer_name, check_query_name, check_slug,
        check_space_name,
    };

    fn codes(names: &[&str], check: fn(&str) -> Result<(), NameError>) -> Vec<&'static str> {
        names.iter().map(|it| check(it).map_or_else(|error| error.code(), |()| "ok")).collect()
    }

    #[test]
    fn addresses_versions_and_numbers_are_reserved() {
        let names = ["IIIF-Img", "v3", "V1", "Spaces", "42", "openapi.json"];
        assert_eq!(codes(&names, check_space_name), ["name-reserved"; 6]);
        assert_eq!(codes(&names, check_customer_name), ["name-reserved"; 6]);
        assert_eq!(codes(FIRST_PATH_SEGMENTS, check_space_name), vec!["name-reserved"; 25]);
    }

    #[test]
    fn a_space_may_have_a_name_for_people() {
        let names = ["Maps of 1900", "v4", "42a", "Bücher", "default"];
        assert_eq!(codes(&names, check_space_name), ["ok"; 5]);
    }

    #[test]
    fn a_name_is_one_path_segment() {
        let long = "a".repeat(256);
        let names = ["", "a/b", "..", ".", " a", "a\n", &long];
        assert_eq!(codes(&names, check_space_name), ["name-invalid"; 7]);
        assert_eq!(codes(&names, check_slug), ["name-invalid"; 7]);
        assert_eq!(codes(&["a b", "a%2Fb"], check_customer_name), ["name-invalid"; 2]);
    }

    #[test]
    fn no_query_hides_a_version_or_the_manifests() {
        assert_eq!(codes(&["v2", "Manifests"], check_query_name), ["name-reserved"; 2]);
        assert_eq!(codes(&["manifest", "v4"], check_query_name), ["ok"; 2]);
    }

    #[test]
    fn slugs_of_the_platform_are_reserved() {
        assert_eq!(codes(&["Publish", "paintedResources"], check_slug), ["name-reserved"; 2]);
        assert_eq!(codes(&["v3", "1900", "iiif"], check_slug), ["ok"; 3]);
    }
}
