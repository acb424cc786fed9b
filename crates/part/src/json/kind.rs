//! Kinds of values at a path, sets of kinds, and the type that fits all values of a set.

use super::time::{is_time, unit_of};
use crate::schema::{ColumnType, TimeUnit};

/// What the values of one subcolumn are. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// `null`
    Null = 1,
    /// `{}`
    EmptyObject = 2,
    /// `[]`
    EmptyArray = 3,
    /// An array whose elements are subcolumns themselves.
    Array = 4,
    /// `true` or `false`
    Bool = 5,
    /// An integer of 64 bits.
    Int = 6,
    /// An integer past those, of 64 bits without sign.
    UInt = 7,
    /// A number that a double prints exactly as it was written.
    Float = 8,
    /// Any other number, as written: `1.50`, `1E5`, 40 digits.
    Number = 9,
    /// Text.
    String = 10,
    /// A value as JSON text: what is not worth, or beyond, subcolumns.
    Raw = 11,
    /// An array of booleans.
    Bools = 12,
    /// An array of [`Kind::Int`].
    Ints = 13,
    /// An array of [`Kind::Float`].
    Floats = 14,
    /// An array of texts.
    Strings = 15,
    /// A text that is a date, as days since 1970: `2024-05-06`.
    Date = 16,
    /// A text that is a time, as seconds since 1970: `2024-05-06T07:08:09Z`.
    ZuluSeconds = 17,
    /// The same with milliseconds: `2024-05-06T07:08:09.123Z`.
    ZuluMillis = 18,
    /// The same with microseconds: `2024-05-06T07:08:09.123456Z`.
    ZuluMicros = 19,
    /// `2024-05-06 07:08:09`
    SpaceSeconds = 20,
    /// `2024-05-06 07:08:09.123`
    SpaceMillis = 21,
    /// `2024-05-06 07:08:09.123456`
    SpaceMicros = 22,
    /// `2024-05-06T07:08:09+00:00`
    OffsetSeconds = 23,
    /// `2024-05-06T07:08:09.123+00:00`
    OffsetMillis = 24,
    /// `2024-05-06T07:08:09.123456+00:00`
    OffsetMicros = 25,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 25] = [
        Kind::Null,
        Kind::EmptyObject,
        Kind::EmptyArray,
        Kind::Array,
        Kind::Bool,
        Kind::Int,
        Kind::UInt,
        Kind::Float,
        Kind::Number,
        Kind::String,
        Kind::Raw,
        Kind::Bools,
        Kind::Ints,
        Kind::Floats,
        Kind::Strings,
        Kind::Date,
        Kind::ZuluSeconds,
        Kind::ZuluMillis,
        Kind::ZuluMicros,
        Kind::SpaceSeconds,
        Kind::SpaceMillis,
        Kind::SpaceMicros,
        Kind::OffsetSeconds,
        Kind::OffsetMillis,
        Kind::OffsetMicros,
    ];

    /// The kind of a stored number.
    pub(crate) fn from_byte(byte: u8) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }

    /// The type of its column outside of arrays. Kinds without a value are a Bool that is true
    /// where they occur.
    pub(crate) fn column_type(self) -> ColumnType {
        match self {
            Kind::Null | Kind::EmptyObject | Kind::EmptyArray | Kind::Array | Kind::Bool => {
                ColumnType::Bool
            }
            Kind::Int => ColumnType::Int64,
            Kind::UInt => ColumnType::UInt64,
            Kind::Float => ColumnType::Float64,
            Kind::Number | Kind::String | Kind::Raw => ColumnType::String,
            Kind::Bools => ColumnType::Array(Box::new(ColumnType::Bool)),
            Kind::Ints => ColumnType::Array(Box::new(ColumnType::Int64)),
            Kind::Floats => ColumnType::Array(Box::new(ColumnType::Float64)),
            Kind::Strings => ColumnType::Array(Box::new(ColumnType::String)),
            // Dates and times.
            _ => ColumnType::Int64,
        }
    }

    /// ClickHouse's name of the type, as `dynamicType` gives it.
    pub fn type_name(self) -> &'static str {
        match self {
            Kind::Null => "None",
            Kind::EmptyObject => "JSON",
            Kind::EmptyArray => "Array(Nullable(String))",
            Kind::Array | Kind::Raw => "Array(Dynamic)",
            Kind::Bool => "Bool",
            Kind::Int => "Int64",
            Kind::UInt => "UInt64",
            Kind::Float | Kind::Number => "Float64",
            Kind::String => "String",
            Kind::Bools => "Array(Nullable(Bool))",
            Kind::Ints => "Array(Nullable(Int64))",
            Kind::Floats => "Array(Nullable(Float64))",
            Kind::Strings => "Array(Nullable(String))",
            // Dates and times are texts to whoever does not ask for a time.
            _ => "String",
        }
    }
}

/// A set of kinds, and what else decides the type of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, minicbor::Encode, minicbor::Decode)]
#[cbor(transparent)]
pub struct Kinds(#[n(0)] u32);

impl Kinds {
    /// No values yet.
    pub const NONE: Kinds = Kinds(0);
    /// Marks integers that a double does not hold: past 2^53.
    pub(crate) const WIDE_INT: Kinds = Kinds(1 << 30);
    /// Marks numbers of more digits than a double holds.
    pub(crate) const LONG_NUMBER: Kinds = Kinds(1 << 31);

    /// The set of one kind.
    pub fn of(kind: Kind) -> Kinds {
        Kinds(1 << kind as u8)
    }

    /// Both sets together.
    #[must_use]
    pub fn with(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// Whether the kind occurs.
    pub fn has(self, kind: Kind) -> bool {
        self.0 & Kinds::of(kind).0 != 0
    }

    pub(crate) fn marks(self, mark: Kinds) -> bool {
        self.0 & mark.0 != 0
    }

    /// The kinds of the set, in order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.has(*kind))
    }

    /// The type that fits every value: the single type, a wider number, else text.
    ///
    /// `null` fits every type. Integers beside floats are floats, unless one of them would change.
    pub fn path_type(self) -> PathType {
        let only = |kinds: &[Kind]| {
            self.iter().all(|kind| kind == Kind::Null || kinds.contains(&kind))
                && kinds.iter().any(|kind| self.has(*kind))
        };
        // Empty arrays are arrays of any type.
        let list = |of: Kind| self.has(of) && only(&[of, Kind::EmptyArray]);
        let is_some = self.iter().any(|kind| kind != Kind::Null);
        let exact = !self.marks(Kinds::LONG_NUMBER);
        let narrow = exact && !self.marks(Kinds::WIDE_INT);
        match () {
            () if only(&[Kind::Bool]) => PathType::Bool,
            () if only(&[Kind::Int]) => PathType::Int64,
            () if only(&[Kind::UInt]) => PathType::UInt64,
            () if exact && only(&[Kind::Float, Kind::Number]) => PathType::Float64,
            () if narrow && only(&[Kind::Int, Kind::Float, Kind::Number]) => PathType::Float64,
            () if self.iter().all(|kind| kind == Kind::Null || is_text(kind)) && is_some => {
                PathType::String
            }
            () if list(Kind::Bools) => PathType::Bools,
            () if list(Kind::Ints) => PathType::Ints,
            () if list(Kind::Floats) => PathType::Floats,
            () if list(Kind::Strings) => PathType::Strings,
            () => PathType::Text,
        }
    }

    /// The type of a path whose texts are all dates, or all times: of the finest unit among them.
    pub fn time_type(self) -> Option<PathType> {
        let mut units = None;
        let mut is_some = false;
        for kind in self.iter().filter(|kind| *kind != Kind::Null) {
            if !is_time(kind) {
                return None;
            }
            is_some = true;
            units = units.max(unit_of(kind));
        }
        is_some.then(|| units.map_or(PathType::Date, PathType::Time))
    }
}

/// Whether values of the kind are texts.
fn is_text(kind: Kind) -> bool {
    kind == Kind::String || is_time(kind)
}

/// What a path is read as. A value that is not of the type is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathType {
    /// Booleans.
    Bool,
    /// Integers of 64 bits.
    Int64,
    /// Integers without sign that `Int64` does not hold; others are null.
    UInt64,
    /// Numbers.
    Float64,
    /// Numbers written with a point or an exponent, or beyond 64 bits; other integers are null.
    Float,
    /// Texts, dates and times among them; other values are null.
    String,
    /// Texts that are dates.
    Date,
    /// Texts that are times, or dates, and no finer than the unit.
    Time(TimeUnit),
    /// Any value: texts as they are, others as JSON, null for `null`.
    Text,
    /// Any value as JSON text, `null` too.
    Json,
    /// Objects as JSON text; other values are null.
    Object,
    /// Arrays of booleans.
    Bools,
    /// Arrays of integers.
    Ints,
    /// Arrays of floats.
    Floats,
    /// Arrays of texts.
    Strings,
    /// The name of the kind of each value ([`Kind::type_name`]); null where there is none.
    TypeName,
    /// The paths of each document that have subcolumns where it is stored; for the document itself.
    DynamicPaths,
    /// The other paths of each document: rare ones, and all where it is stored as text.
    SharedPaths,
}

impl PathType {
    /// The type of the column that reading gives.
    pub fn column_type(self) -> ColumnType {
        let array = |ty| ColumnType::Array(Box::new(ty));
        match self {
            PathType::Bool => ColumnType::Bool,
            PathType::Int64 => ColumnType::Int64,
            PathType::UInt64 => ColumnType::UInt64,
            PathType::Float64 | PathType::Float => ColumnType::Float64,
            PathType::String
            | PathType::Text
            | PathType::Json
            | PathType::Object
            | PathType::TypeName => ColumnType::String,
            PathType::Date => ColumnType::Date,
            PathType::Time(unit) => ColumnType::Timestamp(unit),
            PathType::Bools => array(ColumnType::Bool),
            PathType::Ints => array(ColumnType::Int64),
            PathType::Floats => array(ColumnType::Float64),
            PathType::Strings | PathType::DynamicPaths | PathType::SharedPaths => {
                array(ColumnType::String)
            }
        }
    }

    /// The kind that is read straight from a subcolumn of the same column type.
    pub(crate) fn direct_kind(self) -> Option<Kind> {
        Some(match self {
            PathType::Bool => Kind::Bool,
            PathType::Int64 => Kind::Int,
            PathType::UInt64 => Kind::UInt,
            PathType::Float64 | PathType::Float => Kind::Float,
            PathType::String => Kind::String,
            PathType::Bools => Kind::Bools,
            PathType::Ints => Kind::Ints,
            PathType::Floats => Kind::Floats,
            PathType::Strings => Kind::Strings,
            PathType::Date
            | PathType::Time(_)
            | PathType::Text
            | PathType::Json
            | PathType::Object
            | PathType::TypeName
            | PathType::DynamicPaths
            | PathType::SharedPaths => return None,
        })
    }

    /// Whether values of a kind are of the type, or become it.
    pub(crate) fn takes(self, kind: Kind) -> bool {
        match self {
            PathType::Float64 => {
                matches!(kind, Kind::Int | Kind::UInt | Kind::Float | Kind::Number)
            }
            PathType::Float => matches!(kind, Kind::Float | Kind::Number),
            PathType::String => is_text(kind),
            PathType::Date => kind == Kind::Date,
            PathType::Time(_) => is_time(kind),
            PathType::Bools | PathType::Ints | PathType::Floats | PathType::Strings => {
                Some(kind) == self.direct_kind() || kind == Kind::EmptyArray
            }
            PathType::TypeName => !matches!(kind, Kind::Null | Kind::EmptyObject),
            _ => Some(kind) == self.direct_kind(),
        }
    }

    /// Whether the type is read from the subcolumns of the path itself, and not put together from
    /// all that is within.
    pub(crate) fn is_of_leaves(self) -> bool {
        !matches!(
            self,
            PathType::Text
                | PathType::Json
                | PathType::Object
                | PathType::DynamicPaths
                | PathType::SharedPaths
        )
    }
}
