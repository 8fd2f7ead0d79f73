//! Bytes to text: byte order marks, declared encodings, UTF-8.

use super::BYTES_MAX;
use crate::read_error::{Fault, ReadError, excerpt};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// Where an encoding may be declared.
const DECLARATION_BYTES: usize = 1_024;
/// A byte of another encoding becomes at most three.
const FOREIGN_BYTES_MAX: usize = BYTES_MAX / 3;

/// Returns the text: a byte order mark counts most, then what the head declares, then UTF-8.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ReadError> {
    limit(bytes, BYTES_MAX)?;
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, &bytes[mark..]),
        None => (declared(bytes)?, bytes),
    };
    let text = if encoding == UTF_8 {
        Cow::Borrowed(std::str::from_utf8(bytes).map_err(|it| not_utf8(bytes, it))?)
    } else {
        limit(bytes, FOREIGN_BYTES_MAX)?;
        let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
        text.ok_or_else(|| unreadable(format!("they are not {}", encoding.name())))?
    };
    match text.find('\0') {
        None => Ok(text),
        Some(byte) => Err(Fault::Characters("there is a NUL".into()).at(&text, byte)),
    }
}

fn limit(bytes: &[u8], bytes_max: usize) -> Result<(), ReadError> {
    if bytes.len() > bytes_max {
        return Err(Fault::TooLarge { bytes: bytes.len(), bytes_max }.anywhere());
    }
    Ok(())
}

fn unreadable(why: String) -> ReadError {
    Fault::Characters(why).anywhere()
}

fn not_utf8(bytes: &[u8], error: std::str::Utf8Error) -> ReadError {
    let byte = error.valid_up_to();
    let line = 1 + bytes[..byte].iter().filter(|it| **it == b'\n').count();
    ReadError { fault: Fault::Characters("they are not UTF-8".into()), line, byte }
}

/// The encoding that the head of the file names.
fn declared(bytes: &[u8]) -> Result<&'static Encoding, ReadError> {
    if bytes.starts_with(b"<\0") || bytes.starts_with(b"\0<") {
        return Err(unreadable("UTF-16 without a byte order mark".into()));
    }
    let head = &bytes[..bytes.len().min(DECLARATION_BYTES)];
    let head = String::from_utf8_lossy(head);
    let Some(label) = label(&head) else { return Ok(UTF_8) };
    let encoding = Encoding::for_label_no_replacement(label.as_bytes());
    let encoding = encoding
        .ok_or_else(|| unreadable(format!("the encoding `{}` is not known", excerpt(label))))?;
    // The head could be read byte by byte, so the declaration is wrong: programs leave it behind
    // that make UTF-16 in memory and write UTF-8.
    Ok(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding })
}

/// `encoding="…"` of the XML declaration, else `charset=…` of an HTML head.
fn label(head: &str) -> Option<&str> {
    let declaration = head.strip_prefix("<?xml").and_then(|it| it.split_once("?>"));
    if let Some((declaration, _)) = declaration
        && let Some((_, rest)) = declaration.split_once("encoding")
    {
        return quoted(rest);
    }
    // `get` guards character borders: lower-casing ASCII keeps every length.
    let at = head.to_ascii_lowercase().find("<meta")?;
    let meta = head.get(at..)?;
    let at = meta.to_ascii_lowercase().find("charset")?;
    quoted(meta.get(at + "charset".len()..)?)
}

fn quoted(rest: &str) -> Option<&str> {
    let value = rest.trim_start().strip_prefix('=')?.trim_start();
    let value = value.trim_start_matches(['"', '\'']);
    let end = value.find(|it: char| it.is_whitespace() || "\"'>;/?".contains(it))?;
    (end > 0).then(|| &value[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        let mark = std::iter::once(0xFEFF);
        let units = mark.chain(text.encode_utf16());
        units.flat_map(|it| if little { it.to_le_bytes() } else { it.to_be_bytes() }).collect()
    }

    #[test]
    fn every_usual_encoding_is_read() {
        let text = "<?xml version=\"1.0\"?><a>größe ſo</a>";
        assert_eq!(decode(text.as_bytes()).unwrap(), text);
        assert_eq!(decode(format!("\u{FEFF}{text}").as_bytes()).unwrap(), text);
        assert_eq!(decode(&utf16(text, true)).unwrap(), text);
        assert_eq!(decode(&utf16(text, false)).unwrap(), text);
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>gr\xF6\xDFe</a>";
        assert!(decode(latin).unwrap().ends_with("<a>größe</a>"));
        let html = b"<html><head><META http-equiv=x content='text/html; charset=latin1'>gr\xF6";
        assert!(decode(html).unwrap().ends_with("grö"));
        let left_behind = "<?xml version=\"1.0\" encoding=\"utf-16\"?><a>ö</a>";
        assert_eq!(decode(left_behind.as_bytes()).unwrap(), left_behind);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_place() {
        let bad = decode(b"<a>\n\xFF</a>").unwrap_err();
        assert_eq!((bad.line, bad.byte), (2, 4));
        assert!(bad.to_string().contains("save the file as UTF-8"), "{bad}");
        let refused: [&[u8]; 5] = [
            b"<\0a\0>\0",
            b"\0<\0a\0>",
            b"<?xml version='1.0' encoding='utf-7'?><a/>",
            b"<a>\0</a>",
            b"\xFF\xFE\0\0<\0\0\0",
        ];
        for bytes in refused {
            let fault = decode(bytes).unwrap_err().fault;
            assert!(matches!(fault, Fault::Characters(_)), "{bytes:?}: {fault}");
        }
    }

    #[test]
    fn a_file_at_the_limit_is_read_and_one_byte_more_is_not() {
        let mut bytes = vec![b' '; BYTES_MAX];
        assert!(decode(&bytes).is_ok());
        bytes.push(b' ');
        let fault = decode(&bytes).unwrap_err().fault;
        assert_eq!(fault, Fault::TooLarge { bytes: BYTES_MAX + 1, bytes_max: BYTES_MAX });
    }
}
