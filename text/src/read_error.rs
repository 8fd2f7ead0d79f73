//! Why a file of page text was not read: what is wrong, where, and what to do.

/// A fault and its place in the decoded text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault} (line {line}, byte {byte})")]
pub struct ReadError {
    pub fault: Fault,
    /// From 1.
    pub line: usize,
    /// From 0, in the text as UTF-8.
    pub byte: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the file has {bytes} bytes, more than the {bytes_max} that are read: give one page")]
    TooLarge { bytes: usize, bytes_max: usize },
    #[error("there are more than {count_max} {what}: give one page, without needless markup")]
    TooMany { what: &'static str, count_max: usize },
    #[error("a document type with declarations is refused: remove `<!DOCTYPE …>`")]
    DocumentType,
    #[error("the characters cannot be read: {0}; save the file as UTF-8")]
    Characters(String),
    #[error("the markup is broken: {0}")]
    Malformed(String),
    #[error("this is not {expected}: {found}")]
    OtherFormat { expected: &'static str, found: String },
    #[error("`{name}` is `{value}`: write a number")]
    Number { name: &'static str, value: String },
    #[error("the measurement unit `{0}` is not known: use `pixel`, `mm10` or `inch1200`")]
    Unit(String),
    #[error(
        "the file holds several pages, and which one belongs to the image is not said: give one page"
    )]
    SeveralPages,
    #[error(
        "the size of the page in pixels is not known: write it into the file, or give the image's"
    )]
    NoSize,
    #[error("the page is {0} wide or high, more than {max} pixels", max = crate::markup::SIDE_PX_MAX)]
    PageTooLarge(String),
}

impl Fault {
    /// Puts the fault at a byte of the text.
    pub(crate) fn at(self, text: &str, byte: usize) -> ReadError {
        let byte = byte.min(text.len());
        let before = &text.as_bytes()[..byte];
        let line = 1 + before.iter().filter(|it| **it == b'\n').count();
        ReadError { fault: self, line, byte }
    }

    /// Puts the fault at the whole file.
    pub(crate) fn anywhere(self) -> ReadError {
        ReadError { fault: self, line: 1, byte: 0 }
    }
}

/// The beginning of a value, for a message.
pub(crate) fn excerpt(value: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut short: String = value.chars().filter(|it| !it.is_control()).take(CHARS_MAX).collect();
    if value.chars().nth(CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}
