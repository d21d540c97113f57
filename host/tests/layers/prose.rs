//! Comments and messages are plain sentences, as far as text can be checked for that: no paragraph of documentation begins
//! with a bare clause, no sentence hides its subject behind a word for an unknown person, and an error says "is not a …".

use crate::code::{self, Source};

/// How a clause begins that has no main verb: "Of the rows …", "That a broker answers."
const BARE: [&str; 6] = ["By whom", "Of", "That", "Those that", "To whom", "With which"];

/// These words say that there is a person and not which one. They are joined from pieces, so that this file passes.
const UNKNOWN: [&[&str]; 4] = [&["no", "body"], &["some", "body"], &["who", "ever"], &["whom", "ever"]];

/// Paragraphs of documentation that begin with a clause.
pub fn bare_clauses(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let mut begins = true;
    for (number, line) in source.text.lines().enumerate() {
        let Some(said) = documented(line) else {
            begins = true;
            continue;
        };
        let clause = BARE.iter().find(|clause| starts_with_words(said, clause));
        if let Some(clause) = clause.filter(|_| begins) {
            found.push(format!(
                "{}:{}: a paragraph begins with the bare clause \"{clause} …\"; write a sentence with subject and verb",
                source.path,
                number + 1
            ));
        }
        begins = said.is_empty();
    }
    found
}

/// Comments and literals that use a word for an unknown person.
pub fn unknown_persons(source: &Source) -> Vec<String> {
    let unknown: Vec<String> = UNKNOWN.iter().map(|parts| parts.concat()).collect();
    let hidden = code::hidden(&source.text);
    let lines = hidden.lines().enumerate();
    lines
        .filter_map(|(number, line)| {
            let word = words(line).find(|word| unknown.contains(&word.to_lowercase()))?;
            Some(format!(
                "{}:{}: \"{word}\": name the part, the person or the program that is meant",
                source.path,
                number + 1
            ))
        })
        .collect()
}

/// Texts of errors that say "is no …".
pub fn is_no(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source.text.as_str();
    while let Some(at) = rest.find("#[error(") {
        rest = &rest[at..];
        let attribute = &rest[..rest.find(")]").unwrap_or(rest.len())];
        if says_is_no(attribute) {
            let line = source.text[..source.text.len() - rest.len()].lines().count().max(1);
            found.push(format!(
                "{}:{line}: an error says \"is no …\"; write \"is not a …\", \"there is no …\" or \"has no …\"",
                source.path
            ));
        }
        rest = &rest[attribute.len()..];
    }
    found
}

/// Whether the text says of something what it is not; "there is no file" says that something is missing.
fn says_is_no(text: &str) -> bool {
    let mut found = text.match_indices("is no ");
    found.any(|(at, _)| {
        let before = &text[..at];
        let is_word = before.ends_with(|c: char| !c.is_alphanumeric());
        is_word && !before.trim_end().to_lowercase().ends_with("there")
    })
}

/// The text of a line of documentation.
fn documented(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let said = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
    Some(said.trim())
}

fn starts_with_words(text: &str, words: &str) -> bool {
    let rest = text.strip_prefix(words);
    rest.is_some_and(|rest| rest.starts_with(' '))
}

/// The words of a text; a name in code, such as `Writers::X` or `X_ADDRESS`, is none.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let is_of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '{' | '}');
    line.split(move |c| !is_of_word(c))
        .map(|word| word.trim_end_matches(':'))
        .filter(|word| !word.contains(['_', ':', '{', '}']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::new("x.rs", text)
    }

    #[test]
    fn a_paragraph_that_begins_with_a_bare_clause_is_found() {
        let found = |text: &str| bare_clauses(&source(text)).len();
        assert_eq!(found("/// Of the rows of a record.\nfn f() {}\n"), 1);
        assert_eq!(found("//! Sorts.\n//!\n//! That a broker answers.\n"), 1);
        assert_eq!(found("    /// Those that wait.\n"), 1);
        assert_eq!(
            found("/// Sorts the rows\n/// Of a record.\n"),
            0,
            "the paragraph began a line before"
        );
        assert_eq!(found("/// Offsets of a batch.\n// Of the rows.\n"), 0);
        assert_eq!(found("/// `Of` is a word.\n/// Thatched roofs.\n"), 0);
    }

    #[test]
    fn a_word_for_an_unknown_person_is_found() {
        let [nobody, somebody, whoever, _] = UNKNOWN.map(<[&str]>::concat);
        let found = |text: &str| unknown_persons(&source(text)).len();
        assert_eq!(found(&format!("// There {nobody} waits.\n")), 1);
        assert_eq!(found(&format!("f(\"a\", \"{somebody} waits\");\n")), 1);
        assert_eq!(found(&format!("a();\n/* One.\n{whoever} waits: */\n")), 1);
        assert_eq!(
            found(&format!("let {nobody} = Writers::{nobody}; // It waits.\n")),
            0,
            "code"
        );
        assert_eq!(found(&format!("// [`Writers::{nobody}`] waits.\n")), 0, "a name");
        assert_eq!(found(&format!("f(\"at {{{nobody}}}\");\n")), 0, "a name in a format");
    }

    #[test]
    fn an_error_that_is_no_something_is_found() {
        let found = |text: &str| is_no(&source(text));
        let bad = "enum E {\n    #[error(\"{0} is no name\")]\n    A,\n    #[error(\n        \"x is no y\"\n    )]\n    B,\n}\n";
        assert_eq!(found(bad).len(), 2);
        assert!(found(bad)[0].starts_with("x.rs:2: "), "{:?}", found(bad));
        assert_eq!(found("#[error(\"there is no file {0}\")]\n"), [""; 0]);
        assert_eq!(found("#[error(\"this no one sees\")]\n"), [""; 0]);
        assert_eq!(found("/// It is no name.\n#[error(\"{0} is not a name\")]\n"), [""; 0]);
    }
}
