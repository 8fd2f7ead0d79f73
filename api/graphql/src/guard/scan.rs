//! Nesting of a document, found without parsing it.

/// Levels of brackets of any kind that any honest document needs.
pub(super) const NESTING_MAX: usize = 40;

/// Returns how deep brackets are nested; strings and comments are passed over.
pub(super) fn nesting(text: &str) -> usize {
    let mut bytes = text.bytes().peekable();
    let (mut depth, mut deepest) = (0_usize, 0);
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'(' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            b'#' => while bytes.next_if(|byte| *byte != b'\n').is_some() {},
            b'"' => pass_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

/// Passes over the rest of a string whose first quote has been read, a block string too.
fn pass_string(bytes: &mut std::iter::Peekable<std::str::Bytes<'_>>) {
    if bytes.next_if_eq(&b'"').is_some() {
        if bytes.next_if_eq(&b'"').is_some() {
            pass_block_string(bytes);
        }
        return;
    }
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next(),
            b'"' | b'\n' => return,
            _ => {}
        }
    }
}

fn pass_block_string(bytes: &mut std::iter::Peekable<std::str::Bytes<'_>>) {
    let mut quotes = 0;
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                quotes = 0;
                bytes.next_if_eq(&b'"');
            }
            b'"' => quotes += 1,
            _ => quotes = 0,
        }
        if quotes == 3 {
            return;
        }
    }
}
