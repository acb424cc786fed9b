//! Kinds of values at a path, sets of kinds, and the type that fits all values of a set.

use crate::schema::ColumnType;

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
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 15] = [
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
        let exact = !self.marks(Kinds::LONG_NUMBER);
        let narrow = exact && !self.marks(Kinds::WIDE_INT);
        match () {
            () if only(&[Kind::Bool]) => PathType::Bool,
            () if only(&[Kind::Int]) => PathType::Int64,
            () if only(&[Kind::UInt]) => PathType::UInt64,
            () if exact && only(&[Kind::Float, Kind::Number]) => PathType::Float64,
            () if narrow && only(&[Kind::Int, Kind::Float, Kind::Number]) => PathType::Float64,
            () if only(&[Kind::String]) => PathType::String,
            () if list(Kind::Bools) => PathType::Bools,
            () if list(Kind::Ints) => PathType::Ints,
            () if list(Kind::Floats) => PathType::Floats,
            () if list(Kind::Strings) => PathType::Strings,
            () => PathType::Text,
        }
    }
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
    /// Texts; other values are null.
    String,
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
}

impl PathType {
    /// The type of the column that reading gives.
    pub fn column_type(self) -> ColumnType {
        let array = |ty| ColumnType::Array(Box::new(ty));
        match self {
            PathType::Bool => ColumnType::Bool,
            PathType::Int64 => ColumnType::Int64,
            PathType::UInt64 => ColumnType::UInt64,
            PathType::Float64 => ColumnType::Float64,
            PathType::String
            | PathType::Text
            | PathType::Json
            | PathType::Object
            | PathType::TypeName => ColumnType::String,
            PathType::Bools => array(ColumnType::Bool),
            PathType::Ints => array(ColumnType::Int64),
            PathType::Floats => array(ColumnType::Float64),
            PathType::Strings => array(ColumnType::String),
        }
    }

    /// The kinds that are read straight from a subcolumn of the same column type.
    pub(crate) fn direct_kind(self) -> Option<Kind> {
        Some(match self {
            PathType::Bool => Kind::Bool,
            PathType::Int64 => Kind::Int,
            PathType::UInt64 => Kind::UInt,
            PathType::Float64 => Kind::Float,
            PathType::String => Kind::String,
            PathType::Bools => Kind::Bools,
            PathType::Ints => Kind::Ints,
            PathType::Floats => Kind::Floats,
            PathType::Strings => Kind::Strings,
            PathType::Text | PathType::Json | PathType::Object | PathType::TypeName => return None,
        })
    }
}
