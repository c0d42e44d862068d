//! Bytes to characters.

/// Bytes looked at to tell text from other files.
const LOOK: usize = 8 << 10;

/// The characters of `bytes`: UTF-8, UTF-16 with a byte order mark, or else Latin-1. `None` for what is no text.
pub fn text(mut bytes: Vec<u8>) -> Option<String> {
    if let Some(rest) = bytes.strip_prefix(&[0xff, 0xfe]) {
        return Some(utf16(rest, u16::from_le_bytes));
    }
    if let Some(rest) = bytes.strip_prefix(&[0xfe, 0xff]) {
        return Some(utf16(rest, u16::from_be_bytes));
    }
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        bytes.drain(..3);
    }
    if bytes[..bytes.len().min(LOOK)].contains(&0) {
        return None;
    }
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            // A character that was cut in two by a limit is no sign of another encoding.
            if valid + 4 > bytes.len() {
                bytes.truncate(valid);
                return String::from_utf8(bytes).ok();
            }
            Some(bytes.into_iter().map(char::from).collect())
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_encodings_are_read_and_other_files_refused() {
        assert_eq!(text("grün".into()).as_deref(), Some("grün"));
        assert_eq!(
            text(b"gr\xfcn und mehr".to_vec()).as_deref(),
            Some("grün und mehr")
        );
        assert_eq!(text(b"\xff\xfeh\0i\0".to_vec()).as_deref(), Some("hi"));
        assert_eq!(text(b"\xef\xbb\xbfhi".to_vec()).as_deref(), Some("hi"));
        assert_eq!(text(b"gr\xc3".to_vec()).as_deref(), Some("gr"));
        assert_eq!(text(b"\x7fELF\0\0".to_vec()), None);
    }
}
