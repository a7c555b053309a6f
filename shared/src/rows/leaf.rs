//! Handles of leaves, and the types that they can have.

use std::marker::PhantomData;

use super::column::Values;

/// A leaf's type: `str`, `i32`, `i64`, `bool`, `f32` and [`Decimal`] are Hive's `string`, `int`, `bigint` (or
/// `timestamp`), `boolean`, `float` and `decimal`.
#[derive(Debug)]
pub struct Leaf<T: ?Sized>(pub(super) usize, PhantomData<fn(&T)>);

impl<T: ?Sized> Leaf<T> {
    pub(super) fn new(index: usize) -> Self {
        Self(index, PhantomData)
    }
}

impl<T: ?Sized> Clone for Leaf<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Leaf<T> {}

/// The type of a leaf that is a `decimal`.
#[derive(Debug)]
pub struct Decimal;

/// A type that a leaf can have.
pub trait LeafValue {
    #[doc(hidden)]
    const KIND: &'static str;
    #[doc(hidden)]
    fn fits(values: &Kind<'_>) -> bool;
}

#[doc(hidden)]
#[derive(Debug)]
pub struct Kind<'a>(&'a Values);

impl<'a> Kind<'a> {
    pub(super) fn of(values: &'a Values) -> Self {
        Self(values)
    }
}

impl LeafValue for str {
    const KIND: &'static str = "text leaf";
    fn fits(values: &Kind<'_>) -> bool {
        matches!(values.0, Values::Text { .. } | Values::Numbered { .. })
    }
}

impl LeafValue for i32 {
    const KIND: &'static str = "int leaf";
    fn fits(values: &Kind<'_>) -> bool {
        matches!(values.0, Values::Int(_))
    }
}

impl LeafValue for i64 {
    const KIND: &'static str = "bigint or timestamp leaf";
    fn fits(values: &Kind<'_>) -> bool {
        matches!(values.0, Values::Long(_))
    }
}

impl LeafValue for f32 {
    const KIND: &'static str = "float leaf";
    fn fits(values: &Kind<'_>) -> bool {
        matches!(values.0, Values::Float(_))
    }
}

impl LeafValue for Decimal {
    const KIND: &'static str = "decimal leaf";
    fn fits(values: &Kind<'_>) -> bool {
        matches!(values.0, Values::Decimal { .. })
    }
}

impl LeafValue for bool {
    const KIND: &'static str = "boolean leaf";
    fn fits(values: &Kind<'_>) -> bool {
        matches!(values.0, Values::Bool(_))
    }
}
