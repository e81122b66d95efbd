//! The geometries of a GeoPackage, token by token: whatever stands in a blob costs no memory, and
//! nothing is believed that its bytes do not bear out.

/// Geometries within geometries, at most.
const DEPTH_MAX: usize = 32;
/// The largest code of a geometry type (ISO 13249-3): TIN is 16, triangle 17.
const KIND_MAX: u32 = 17;

pub(crate) const POINT: u32 = 1;
pub(crate) const LINE: u32 = 2;
pub(crate) const POLYGON: u32 = 3;
pub(crate) const CIRCULAR: u32 = 8;
pub(crate) const COMPOUND: u32 = 9;
pub(crate) const CURVE_POLYGON: u32 = 10;
pub(crate) const TRIANGLE: u32 = 17;

/// What a geometry consists of, in the order of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// A geometry, which may be a part of the one before, and of how many parts it consists.
    Geometry {
        kind: u32,
        z: bool,
        m: bool,
        parts: u32,
    },
    /// A sequence of vertices of that number: a point, a line or a ring.
    Sequence(u32),
    /// The bits of x, y, z and m. What is not there is not a number.
    Vertex([u64; 4]),
}

/// The well-known binary that follows the header (clause 2.1.3), if the header makes sense.
/// Its envelope, its byte order and its reference system say nothing of the geometry itself.
pub(crate) fn body(blob: &[u8]) -> Option<&[u8]> {
    let (&[b'G', b'P', _version, flags], _) = blob.split_first_chunk::<4>()? else {
        return None;
    };
    const EXTENDED: u8 = 0x20;
    if flags & EXTENDED != 0 {
        return None;
    }
    let envelope = match (flags >> 1) & 7 {
        0 => 0,
        1 => 32,
        2 | 3 => 48,
        4 => 64,
        _ => return None,
    };
    blob.get(8 + envelope..)
}

/// Whether two blobs hold the same geometry, each coordinate within `tolerance`.
pub(crate) fn same(a: &[u8], b: &[u8], tolerance: f64) -> bool {
    if a == b {
        return true;
    }
    let (Some(a), Some(b)) = (body(a), body(b)) else {
        return false;
    };
    if a == b {
        return true;
    }
    let (mut a, mut b) = (Tokens::new(a), Tokens::new(b));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(Ok(a)), Some(Ok(b))) if a == b || are_near(a, b, tolerance) => {}
            _ => return false,
        }
    }
}

fn are_near(a: Token, b: Token, tolerance: f64) -> bool {
    let near =
        |a: u64, b: u64| a == b || (f64::from_bits(a) - f64::from_bits(b)).abs() <= tolerance;
    match (a, b) {
        (Token::Vertex(a), Token::Vertex(b)) if tolerance > 0.0 => {
            a.iter().zip(b).all(|(&a, b)| near(a, b))
        }
        _ => false,
    }
}

/// The bytes make no geometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Senseless;

/// Reads well-known binary in either byte order, with the codes of ISO, of OGC's 2.5D, and of PostGIS.
#[derive(Debug)]
pub(crate) struct Tokens<'a> {
    rest: &'a [u8],
    /// What is open, innermost last.
    open: Vec<Open>,
    started: bool,
    failed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    what: What,
    left: u32,
    order: Order,
}

#[derive(Debug, Clone, Copy)]
struct Order {
    little: bool,
    z: bool,
    m: bool,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Vertices { point: bool },
    Rings,
    Geometries,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self {
            rest: body,
            open: Vec::new(),
            started: false,
            failed: false,
        }
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*bytes)
    }

    fn number(&mut self, little: bool) -> Option<u32> {
        let bytes = self.take()?;
        Some(if little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    }

    /// A number of things of at least `size` bytes each: no more than can be there.
    fn count(&mut self, little: bool, size: usize) -> Option<u32> {
        let count = self.number(little)?;
        let most = self.rest.len() / size.max(1);
        (count as usize <= most).then_some(count)
    }

    fn push(&mut self, what: What, left: u32, order: Order) -> Option<()> {
        if self.open.len() == 2 * DEPTH_MAX {
            return None;
        }
        self.open.push(Open { what, left, order });
        Some(())
    }

    fn geometry(&mut self) -> Option<Token> {
        let [order] = self.take()?;
        let little = match order {
            0 => false,
            1 => true,
            _ => return None,
        };
        let code = self.number(little)?;
        let (z_flag, m_flag, srid) = (1 << 31, 1 << 30, 1 << 29);
        let plain = code & !(z_flag | m_flag | srid);
        if code & srid != 0 {
            self.number(little)?;
        }
        let (kind, dimension) = (plain % 1000, plain / 1000);
        if kind == 0 || kind > KIND_MAX || dimension > 3 {
            return None;
        }
        let z = code & z_flag != 0 || dimension & 1 == 1;
        let m = code & m_flag != 0 || dimension & 2 == 2;
        let order = Order { little, z, m };
        let (what, parts) = match kind {
            POINT => (What::Vertices { point: true }, 1),
            LINE | CIRCULAR => (
                What::Vertices { point: false },
                self.count(little, order.vertex_size())?,
            ),
            POLYGON | TRIANGLE => (What::Rings, self.count(little, 4)?),
            // Curve and surface are names for any of the others.
            13 | 14 => return None,
            _ => (What::Geometries, self.count(little, 5)?),
        };
        self.push(what, parts, order)?;
        Some(Token::Geometry { kind, z, m, parts })
    }

    fn vertex(&mut self, order: Order, point: bool) -> Option<Token> {
        let mut vertex = [f64::NAN; 4];
        for (at, there) in [true, true, order.z, order.m].into_iter().enumerate() {
            if there {
                let bytes = self.take()?;
                vertex[at] = if order.little {
                    f64::from_le_bytes(bytes)
                } else {
                    f64::from_be_bytes(bytes)
                };
            }
        }
        if point && (vertex[0].is_nan() || vertex[1].is_nan()) {
            // An empty point, whatever else it says.
            vertex = [f64::NAN; 4];
        }
        Some(Token::Vertex(vertex.map(|number| {
            // A zero, and a value that is not a number.
            let number = if number.is_nan() {
                f64::NAN
            } else {
                number + 0.0
            };
            number.to_bits()
        })))
    }

    fn step(&mut self) -> Option<Option<Token>> {
        if !self.started {
            self.started = true;
            return self.geometry().map(Some);
        }
        loop {
            let Some(open) = self.open.last_mut() else {
                // What follows belongs to no geometry.
                return self.rest.is_empty().then_some(None);
            };
            if open.left == 0 {
                self.open.pop();
                continue;
            }
            open.left -= 1;
            let Open { what, order, .. } = *open;
            let token = match what {
                What::Vertices { point } => self.vertex(order, point),
                What::Geometries => self.geometry(),
                What::Rings => {
                    let count = self.count(order.little, order.vertex_size())?;
                    self.push(What::Vertices { point: false }, count, order)?;
                    Some(Token::Sequence(count))
                }
            };
            return token.map(Some);
        }
    }
}

impl Order {
    fn vertex_size(self) -> usize {
        8 * (2 + usize::from(self.z) + usize::from(self.m))
    }
}

impl Iterator for Tokens<'_> {
    type Item = Result<Token, Senseless>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match self.step() {
            Some(token) => token.map(Ok),
            None => {
                self.failed = true;
                Some(Err(Senseless))
            }
        }
    }
}

#[cfg(test)]
#[path = "geometry_tests.rs"]
mod tests;
