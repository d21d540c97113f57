//! Rust text made easy to look at: comments and literals blanked out, cut into words and signs with their lines.
//! Far from a parser, and enough for paths and the bounds of functions.

/// One Rust file.
pub struct Source {
    /// As the rules name it: `pipeline/mod.rs`.
    pub path: String,
    pub text: String,
    pub tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// A word, `::`, or one other sign.
    pub text: String,
    /// Counted from 1.
    pub line: usize,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens: tokens(&blank(text)),
        }
    }

    /// The token's text, or nothing beyond the end.
    pub fn at(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| &token.text)
    }
}

/// Whether the file holds tests only: `x/tests.rs`, `x/tests/y.rs`.
pub fn is_of_tests(path: &str) -> bool {
    path.split('/').any(|name| matches!(name, "tests" | "tests.rs"))
}

/// The end of the module of tests that begins here: `#[cfg(test)] mod tests { … }`.
pub fn test_module(source: &Source, at: usize) -> Option<usize> {
    let begins = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let is_it = (at..).zip(begins).all(|(at, text)| source.at(at) == text);
    if !is_it || source.at(at + begins.len() + 1) != "{" {
        return None;
    }
    let (mut end, mut depth) = (at + begins.len() + 2, 1);
    while depth > 0 && end < source.tokens.len() {
        depth += match source.at(end) {
            "{" => 1,
            "}" => -1,
            _ => 0,
        };
        end += 1;
    }
    Some(end)
}

/// The same text, with comments, strings and characters replaced by blanks; lines stay where they are.
fn blank(text: &str) -> String {
    split(text, |shown| shown)
}

/// Only the comments, strings and characters of the text, with blanks for all else; lines stay where they are.
pub fn hidden(text: &str) -> String {
    split(text, |shown| !shown)
}

/// The text, with blanks for the parts that `keeps` refuses; it is told whether a part is code.
fn split(text: &str, keeps: impl Fn(bool) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        let after_word = before.is_some_and(is_word);
        let hidden = if after_word { None } else { raw_string(rest) }
            .or_else(|| comment(rest))
            .or_else(|| quoted(rest));
        let (part, after) = rest.split_at(hidden.unwrap_or(first.len_utf8()));
        let is_kept = keeps(hidden.is_none());
        out.extend(part.chars().map(|c| if is_kept || c == '\n' { c } else { ' ' }));
        before = hidden.is_none().then_some(first);
        rest = after;
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the comment that the text starts with.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    text.strip_prefix("/*")?;
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let rest = &text[at..];
        let (Some(close), open) = (rest.find("*/"), rest.find("/*")) else {
            return Some(text.len());
        };
        let nested = open.filter(|open| *open < close);
        depth = if nested.is_some() { depth + 1 } else { depth - 1 };
        at += nested.unwrap_or(close) + 2;
    }
    Some(at)
}

/// The length of the raw string that the text starts with: `r"…"`, `r#"…"#`, `br"…"`.
fn raw_string(text: &str) -> Option<usize> {
    let body = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let inside = body.trim_start_matches('#');
    let hashes = body.len() - inside.len();
    let inside = inside.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - inside.len();
    Some(inside.find(&end).map_or(text.len(), |at| start + at + end.len()))
}

/// The length of the string or character that the text starts with; a lifetime is none.
fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut chars = text.char_indices().skip(1).peekable();
    if quote == '\'' {
        let (_, first) = *chars.peek()?;
        let second = text[1 + first.len_utf8()..].chars().next();
        if first != '\\' && second != Some('\'') {
            return None;
        }
    }
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    Some(text.len())
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                word => word,
            };
            let (token, after) = rest.split_at(length);
            tokens.push(Token {
                text: token.to_owned(),
                line: number + 1,
            });
            rest = after.trim_start();
        }
    }
    tokens
}

#[test]
fn comments_and_literals_are_blanked_out() {
    let seen = |text: &str| -> Vec<String> {
        let source = Source::new("x.rs", text);
        source.tokens.into_iter().map(|token| token.text).collect()
    };
    assert_eq!(seen("a // b\nc"), ["a", "c"]);
    assert_eq!(seen("a /* b /* c */ d */ e"), ["a", "e"]);
    assert_eq!(seen(r#"a "b \" c" d"#), ["a", "d"]);
    assert_eq!(seen("a r#\"b \" c\"# d br\"e\" f"), ["a", "d", "f"]);
    assert_eq!(seen(r"a 'b' '\'' '\\' c"), ["a", "c"]);
    assert_eq!(seen("&'a b"), ["&", "'", "a", "b"]);
    assert_eq!(seen("for\"b\""), ["for"]);
    assert_eq!(seen("a::b"), ["a", "::", "b"]);
    let lines = Source::new("x.rs", "\"one\ntwo\"\nthree").tokens;
    assert_eq!(lines[0].line, 3);
}
