//! Definition and repetition levels: how Parquet tells, beside each leaf's values, at which depth a value is missing
//! and where a list goes on (Parquet format, "Nested Encoding").
//!
//! The rows hold leaves and the lengths of lists; a struct is null where all its members are. So levels are worked
//! out on the way down from the table's columns to its leaves.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use parquet::errors::ParquetError;

use crate::rows::Rows;
use crate::rows::column::{Column, ListColumn};

use crate::rows::Node;

/// Levels as they stand in pages, by the entries of each page.
pub(super) type EncodedLevels = RefCell<Vec<(Range<usize>, Vec<u8>)>>;

/// The places of one node: one for each row or list element above it, and one for each row that ends above it.
#[derive(Debug)]
pub(super) struct Entries<'a> {
    /// The rows or elements that the node belongs to, in the order in which they are written.
    pub(super) owners: Cow<'a, [u32]>,
    /// Levels of every entry; an entry of level `def` has an owner. `None`: every entry has one, and no list is
    /// above.
    pub(super) levels: Option<Levels>,
    /// Definition level of an entry with an owner.
    pub(super) def: u8,
    /// Lists above the node.
    pub(super) rep: u8,
    /// Levels of leaves that every owner has: the same for all of them.
    full: OnceCell<Levels>,
    /// Those levels as they stand in pages.
    pub(super) pages: EncodedLevels,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Levels {
    pub(super) def: Vec<u8>,
    /// Empty where no list is above.
    pub(super) rep: Rc<[u8]>,
}

/// What a leaf's values are taken from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leaf<'a> {
    /// A column; the flag is false for the key of a map, which cannot be null.
    Column(&'a Column, bool),
    /// The texts of a list that is the same in every row.
    Texts(&'static [&'static str]),
}

/// Calls `write` for each leaf below `node`, in Parquet's order.
pub(super) fn walk<'a>(
    rows: &'a Rows,
    node: &Node,
    entries: &Entries<'_>,
    write: &mut impl FnMut(Leaf<'a>, &Entries<'_>) -> Result<(), ParquetError>,
) -> Result<(), ParquetError> {
    match node {
        Node::Leaf(column) => write(Leaf::Column(&rows.columns[*column], true), entries),
        Node::Struct(members) => {
            let below = match presence(rows, members, &entries.owners) {
                None => entries.all_present(),
                Some(present) => entries.present(&present),
            };
            members.iter().try_for_each(|member| walk(rows, member, &below, write))
        }
        Node::List(list, element) => match rows.lists[*list].constant {
            Some(texts) => write(Leaf::Texts(texts), &entries.constant_list(texts.len())),
            None => walk(rows, element, &entries.elements(&rows.lists[*list]), write),
        },
        Node::Map(list, key, value) => {
            let below = entries.elements(&rows.lists[*list]);
            write(Leaf::Column(&rows.columns[*key], false), &below)?;
            write(Leaf::Column(&rows.columns[*value], true), &below)
        }
    }
}

/// Which owners have any of the members; `None` if all have.
fn presence(rows: &Rows, members: &[Node], owners: &[u32]) -> Option<Vec<bool>> {
    if members.iter().any(|member| is_always_present(rows, member)) {
        return None;
    }
    let mut present = vec![false; owners.len()];
    members.iter().for_each(|member| mark(rows, member, owners, &mut present));
    present.contains(&false).then_some(present)
}

fn is_always_present(rows: &Rows, node: &Node) -> bool {
    match node {
        Node::Leaf(column) => {
            let column = &rows.columns[*column];
            column.constant.is_some() || column.present == column.len
        }
        Node::Struct(members) => members.iter().any(|member| is_always_present(rows, member)),
        Node::List(list, _) => rows.lists[*list].constant.is_some(),
        Node::Map(..) => false,
    }
}

fn mark(rows: &Rows, node: &Node, owners: &[u32], present: &mut [bool]) {
    let marks = present.iter_mut().zip(owners);
    match node {
        Node::Leaf(column) => {
            let column = &rows.columns[*column];
            if column.present > 0 {
                marks.for_each(|(mark, &owner)| *mark |= column.is_valid(owner as usize));
            }
        }
        Node::Struct(members) => members.iter().for_each(|member| mark(rows, member, owners, present)),
        Node::List(list, _) | Node::Map(list, ..) => {
            let list = &rows.lists[*list];
            marks.for_each(|(mark, &owner)| *mark |= list.elements_of(owner as usize).is_some());
        }
    }
}

impl<'a> Entries<'a> {
    /// The rows themselves.
    pub(super) fn rows(order: &'a [u32]) -> Self {
        Self::new(Cow::Borrowed(order), None, 0, 0)
    }

    fn new(owners: Cow<'a, [u32]>, levels: Option<Levels>, def: u8, rep: u8) -> Self {
        Self { owners, levels, def, rep, full: OnceCell::new(), pages: RefCell::default() }
    }

    /// The levels of a leaf that every owner has; `None` where there are none to tell.
    pub(super) fn full(&self) -> Option<&Levels> {
        self.levels.as_ref().map(|levels| {
            self.full.get_or_init(|| Levels {
                def: levels.def.iter().map(|&def| def + u8::from(def == self.def)).collect(),
                rep: Rc::clone(&levels.rep),
            })
        })
    }

    /// Entries.
    pub(super) fn len(&self) -> usize {
        self.levels.as_ref().map_or(self.owners.len(), |levels| levels.def.len())
    }

    /// One level deeper, where every owner has the node.
    fn all_present(&self) -> Entries<'_> {
        Entries::new(Cow::Borrowed(&self.owners), self.full().cloned(), self.def + 1, self.rep)
    }

    /// One level deeper, for the owners that have the node.
    fn present(&self, present: &[bool]) -> Entries<'static> {
        let owners =
            self.owners.iter().zip(present).filter(|(_, present)| **present).map(|(&owner, _)| owner);
        Entries::new(owners.collect(), Some(self.levels_where(present)), self.def + 1, self.rep)
    }

    /// Levels where the owners that are marked go one level deeper.
    pub(super) fn levels_where(&self, present: &[bool]) -> Levels {
        let mut present = present.iter();
        match &self.levels {
            None => Levels {
                def: present.map(|&present| self.def + u8::from(present)).collect(),
                rep: Rc::default(),
            },
            Some(levels) => {
                let deeper = |&def: &u8| match def == self.def {
                    true => def + u8::from(present.next().is_some_and(|present| *present)),
                    false => def,
                };
                Levels { def: levels.def.iter().map(deeper).collect(), rep: Rc::clone(&levels.rep) }
            }
        }
    }

    /// The elements of a list, two levels deeper: one for the list, one for the element's place in it.
    fn elements(&self, list: &ListColumn) -> Entries<'static> {
        let count = self.len();
        let (mut defs, mut reps) = (Vec::with_capacity(2 * count), Vec::with_capacity(2 * count));
        let (mut owners, mut elements) = (self.owners.iter(), Vec::with_capacity(count));
        for entry in 0..count {
            let (def, rep) = match &self.levels {
                None => (self.def, 0),
                Some(levels) => (levels.def[entry], levels.rep.get(entry).copied().unwrap_or_default()),
            };
            let list = match owners.as_slice() {
                [owner, ..] if def == self.def => list.elements_of(*owner as usize),
                _ => {
                    defs.push(def);
                    reps.push(rep);
                    continue;
                }
            };
            owners.next();
            let elements_here = list.as_ref().map_or(0, ExactSizeIterator::len);
            let def = def + u8::from(list.is_some()) + u8::from(elements_here > 0);
            defs.resize(defs.len() + elements_here.max(1), def);
            reps.push(rep);
            reps.resize(defs.len(), self.rep + 1);
            elements.extend(list.into_iter().flatten());
        }
        let levels = Levels { def: defs, rep: reps.into() };
        Entries::new(Cow::Owned(elements), Some(levels), self.def + 2, self.rep + 1)
    }

    /// The elements of a list that every row has in the same way.
    fn constant_list(&self, length: usize) -> Entries<'static> {
        let count = self.owners.len() * length;
        let rep = (0..count).map(|entry| u8::from(entry % length.max(1) > 0)).collect();
        let levels = Levels { def: vec![self.def + 2; count], rep };
        let numbers: Vec<u32> = (0..count).map(|entry| (entry % length.max(1)) as u32).collect();
        Entries::new(Cow::Owned(numbers), Some(levels), self.def + 2, self.rep + 1)
    }
}
