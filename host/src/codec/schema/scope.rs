//! Finds a type by its name, first in the schema that has the name, then in the schemas that it refers
//! to, nearest first.
//!
//! So two schemas may refer to two versions of one type, and each is read with its own.

use std::collections::{HashMap, VecDeque};

use serde_json::Value as Json;

use super::{Document, SchemaError};

/// The types of a document and of all documents that it refers to.
pub struct Scopes<'d>(Vec<Scope<'d>>);

struct Scope<'d> {
    types: HashMap<Name<'d>, Definition<'d>>,
    /// The name of each reference in the registry, and the scope of its document.
    references: Vec<(&'d str, usize)>,
    root: &'d Json,
}

/// A type's namespace, which is empty for none, and its name in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name<'d> {
    pub namespace: &'d str,
    pub own: &'d str,
}

/// The place of a text: the document whose types it may name, and the namespace for names without one.
#[derive(Debug, Clone, Copy)]
pub struct NamingContext<'d> {
    /// The scope of the text's document.
    pub scope: usize,
    /// The namespace for names without one.
    pub namespace: &'d str,
}

#[derive(Debug, Clone, Copy)]
struct Definition<'d> {
    json: &'d Json,
    namespace: &'d str,
}

impl<'d> Name<'d> {
    /// Makes a name. A name with dots is complete. Otherwise the namespace beside it counts, or else the one around it.
    pub fn new(name: &'d str, beside: Option<&'d str>, around: &'d str) -> Self {
        match name.rsplit_once('.') {
            Some((namespace, own)) => Self { namespace, own },
            None => Self {
                namespace: beside.unwrap_or(around),
                own: name,
            },
        }
    }

    /// The name of a record, enum or fixed, or `None` if it has none.
    pub fn of(json: &'d Json, around: &'d str) -> Option<Self> {
        let name = json.get("name")?.as_str()?;
        Some(Self::new(name, json.get("namespace").and_then(Json::as_str), around))
    }

    /// The name with its namespace.
    pub fn full(self) -> String {
        match self.namespace {
            "" => self.own.to_owned(),
            namespace => format!("{namespace}.{}", self.own),
        }
    }
}

impl<'d> Scopes<'d> {
    /// The scopes of the document, and the place of its text.
    pub fn of(document: &'d Document) -> (Self, NamingContext<'d>) {
        let mut scopes = Self(Vec::new());
        let scope = scopes.add(document, &mut HashMap::new());
        (scopes, NamingContext { scope, namespace: "" })
    }

    fn add(&mut self, document: &'d Document, known: &mut HashMap<*const Document, usize>) -> usize {
        if let Some(scope) = known.get(&std::ptr::from_ref(document)) {
            return *scope;
        }
        let mut types = HashMap::new();
        define(&document.json, "", &mut types);
        let references = document.references.iter();
        let references = references
            .map(|reference| (&*reference.name, self.add(&reference.document, known)))
            .collect();
        self.0.push(Scope {
            types,
            references,
            root: &document.json,
        });
        let scope = self.0.len() - 1;
        known.insert(document, scope);
        scope
    }

    /// The JSON of the type that is called `name` at this place, and the place of that JSON.
    pub fn find(&self, place: NamingContext<'d>, name: &'d str) -> Result<(NamingContext<'d>, &'d Json), SchemaError> {
        let wanted = Name::new(name, None, place.namespace);
        // As in Java's library, a name without a namespace may also mean a type that has none.
        let bare = Name {
            namespace: "",
            ..wanted
        };
        let bare = (!name.contains('.')).then_some(bare);
        let found = self.defined(place.scope, wanted);
        let found = found.or_else(|| self.defined(place.scope, bare?));
        let found = found.or_else(|| self.referred(place.scope, name, &wanted.full()));
        found.ok_or_else(|| SchemaError::NoType {
            name: wanted.full(),
            references: self.under(place.scope).count() - 1,
        })
    }

    fn defined(&self, scope: usize, name: Name<'d>) -> Option<(NamingContext<'d>, &'d Json)> {
        self.under(scope).find_map(|scope| {
            let Definition { json, namespace } = self.0.get(scope)?.types.get(&name)?;
            Some((NamingContext { scope, namespace }, *json))
        })
    }

    /// The document that a reference of this name refers to, whatever the type in it is called.
    fn referred(&self, scope: usize, name: &str, full: &str) -> Option<(NamingContext<'d>, &'d Json)> {
        let mut references = self.0.get(scope)?.references.iter();
        let (_, scope) = references.find(|(known, _)| *known == name || *known == full)?;
        let place = NamingContext {
            scope: *scope,
            namespace: "",
        };
        Some((place, self.0.get(*scope)?.root))
    }

    /// A scope and all scopes that it refers to, each once, nearest first.
    fn under(&self, scope: usize) -> impl Iterator<Item = usize> {
        let mut seen = vec![false; self.0.len()];
        let mut order = Vec::new();
        let mut waiting = VecDeque::from([scope]);
        while let Some(next) = waiting.pop_front() {
            let is_new = seen.get_mut(next).is_some_and(|seen| !std::mem::replace(seen, true));
            if let Some(scope) = self.0.get(next).filter(|_| is_new) {
                order.push(next);
                waiting.extend(scope.references.iter().map(|(_, scope)| *scope));
            }
        }
        order.into_iter()
    }
}

/// Notes the types in this JSON, the first of each name. An alias works like a name if no type has that name.
fn define<'d>(json: &'d Json, around: &'d str, types: &mut HashMap<Name<'d>, Definition<'d>>) {
    let mut aliases = Vec::new();
    define_names(json, around, types, &mut aliases);
    for (alias, definition) in aliases {
        types.entry(alias).or_insert(definition);
    }
}

fn define_names<'d>(
    json: &'d Json,
    around: &'d str,
    types: &mut HashMap<Name<'d>, Definition<'d>>,
    aliases: &mut Vec<(Name<'d>, Definition<'d>)>,
) {
    if let Json::Array(branches) = json {
        for branch in branches {
            define_names(branch, around, types, aliases);
        }
    }
    let Json::Object(object) = json else {
        return;
    };
    let mut inner = around;
    let kind = object.get("type").unwrap_or(&Json::Null);
    if let Some("record" | "error" | "enum" | "fixed") = kind.as_str()
        && let Some(name) = Name::of(json, around)
    {
        let definition = Definition {
            json,
            namespace: around,
        };
        types.entry(name).or_insert(definition);
        inner = name.namespace;
        let known = object.get("aliases").and_then(Json::as_array).into_iter().flatten();
        let known = known.filter_map(Json::as_str);
        aliases.extend(known.map(|alias| (Name::new(alias, None, inner), definition)));
    }
    match kind.as_str() {
        Some("record" | "error") => {
            let fields = object.get("fields").and_then(Json::as_array).into_iter().flatten();
            for field in fields.filter_map(|field| field.get("type")) {
                define_names(field, inner, types, aliases);
            }
        }
        Some("array" | "map") => {
            for part in ["items", "values"].into_iter().filter_map(|part| object.get(part)) {
                define_names(part, inner, types, aliases);
            }
        }
        Some(_) => {}
        None => define_names(kind, inner, types, aliases),
    }
}
