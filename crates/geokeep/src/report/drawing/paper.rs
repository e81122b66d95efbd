//! From places to a drawing: a frame around where the features lie, and paths in whole numbers that
//! leave out what nobody would see.

use std::collections::HashSet;
use std::fmt::Write;

use super::outline::{Outline, Place};

/// Width of a drawing in its own units, of which a screen has about half as many.
const WIDTH: f64 = 640.0;
const HEIGHT_MAX: f64 = 520.0;
const HEIGHT_MIN: f64 = 200.0;
const MARGIN: f64 = 14.0;
/// Units within which vertices are one, finest first: the first one that is short enough is taken.
const GRAINS: [i32; 5] = [1, 2, 4, 8, 16];
/// From so many features on, some may lie far away from all others.
const ENOUGH: usize = 8;
/// If all take more than this many times the room of nearly all, the frame is around nearly all.
const FAR: f64 = 8.0;

/// Where the drawing lies, in coordinates, and how large it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) extent: [f64; 4],
    pub(super) height: f64,
    factor: f64,
}

impl Frame {
    pub(super) const WIDTH: f64 = WIDTH;

    /// Around all features, or around nearly all if a few lie far away.
    pub(super) fn around<'a>(features: impl Iterator<Item = &'a Outline>) -> Option<Self> {
        let boxes: Vec<[f64; 4]> = features.filter_map(bounds).collect();
        let extent = boxes.iter().copied().reduce(union)?;
        Some(Self::of(without_strays(&boxes).unwrap_or(extent)))
    }

    fn of(extent: [f64; 4]) -> Self {
        let [min_x, min_y, max_x, max_y] = extent;
        let fits = |room: f64, span: f64| if span > 0.0 { room / span } else { f64::MAX };
        let by_width = fits(WIDTH - 2.0 * MARGIN, max_x - min_x);
        let by_height = fits(HEIGHT_MAX - 2.0 * MARGIN, max_y - min_y);
        // A single point has no size: it lies in the middle, whatever the factor.
        let factor = by_width.min(by_height);
        let factor = if factor < f64::MAX { factor } else { 0.0 };
        let height = (max_y - min_y) * factor + 2.0 * MARGIN;
        Self {
            extent,
            height: height.clamp(HEIGHT_MIN, HEIGHT_MAX).round(),
            factor,
        }
    }

    /// Whether something lies in the frame, at least in part.
    pub(super) fn holds(&self, outline: &Outline) -> bool {
        let [a, b, c, d] = self.extent;
        bounds(outline).is_some_and(|[e, f, g, h]| e <= c && g >= a && f <= d && h >= b)
    }

    fn place(&self, [x, y]: Place) -> [i32; 2] {
        let [min_x, min_y, max_x, max_y] = self.extent;
        let right = (x - f64::midpoint(min_x, max_x)) * self.factor + WIDTH / 2.0;
        let down = self.height / 2.0 - (y - f64::midpoint(min_y, max_y)) * self.factor;
        // Far outside it is the same where a line leads.
        #[expect(clippy::cast_possible_truncation, reason = "it is clamped")]
        let whole = |n: f64| n.clamp(-2_000.0, 3_000.0).round() as i32;
        [whole(right), whole(down)]
    }
}

fn bounds(outline: &Outline) -> Option<[f64; 4]> {
    let all = outline.places().map(|&[x, y]| [x, y, x, y]);
    all.reduce(union)
}

fn union(a: [f64; 4], b: [f64; 4]) -> [f64; 4] {
    [
        a[0].min(b[0]),
        a[1].min(b[1]),
        a[2].max(b[2]),
        a[3].max(b[3]),
    ]
}

/// The extent of what is left without the outermost fiftieth on each side, if that is much smaller.
fn without_strays(boxes: &[[f64; 4]]) -> Option<[f64; 4]> {
    if boxes.len() < ENOUGH {
        return None;
    }
    let cut = (boxes.len() / 50).max(1);
    let range = |at: usize| {
        let middle = |b: &[f64; 4]| f64::midpoint(b[at], b[at + 2]);
        let mut all: Vec<f64> = boxes.iter().map(middle).collect();
        all.sort_by(f64::total_cmp);
        let (low, high) = (all[cut], all[all.len() - 1 - cut]);
        (low, high, all[all.len() - 1] - all[0])
    };
    let (x, y) = (range(0), range(1));
    let span = (x.1 - x.0).max(y.1 - y.0);
    if span <= 0.0 || x.2.max(y.2) <= FAR * span {
        return None;
    }
    let (low, high) = ([x.0 - span, y.0 - span], [x.1 + span, y.1 + span]);
    let near =
        |b: &&[f64; 4]| b[0] >= low[0] && b[1] >= low[1] && b[2] <= high[0] && b[3] <= high[1];
    boxes.iter().filter(near).copied().reduce(union)
}

/// As coarse as the paper is wide: nothing is left of a form then.
const GRAIN_MAX: i32 = 1024;

/// Paths of the areas, the lines and the points of some features; each may be empty.
#[derive(Debug, Default)]
pub(super) struct Paths {
    pub(super) areas: String,
    pub(super) lines: String,
    pub(super) points: String,
}

impl Paths {
    fn len(&self) -> usize {
        self.areas.len() + self.lines.len() + self.points.len()
    }
}

/// The features of several layers, within so many bytes.
pub(super) fn paths(frame: &Frame, layers: &[&[Outline]], bytes: usize) -> Vec<Paths> {
    let drawn = |grain| layers.iter().map(move |layer| draw(frame, layer, grain));
    for grain in GRAINS {
        let paths: Vec<_> = drawn(grain).collect();
        if paths.iter().map(Paths::len).sum::<usize>() <= bytes {
            return paths;
        }
    }
    // Every second feature, every fourth, …; then the last ones with less and less of their forms.
    let mut grain = 16;
    let mut thinned: Vec<Vec<Outline>> = layers.iter().map(|layer| layer.to_vec()).collect();
    loop {
        for layer in &mut thinned {
            let mut nth = 0_usize;
            layer.retain(|_| {
                nth += 1;
                nth % 2 == 1
            });
        }
        let paths: Vec<_> = thinned
            .iter()
            .map(|layer| draw(frame, layer, grain))
            .collect();
        if thinned.iter().all(|layer| layer.len() <= 1) {
            grain *= 2;
        }
        if grain > GRAIN_MAX || paths.iter().map(Paths::len).sum::<usize>() <= bytes {
            return paths;
        }
    }
}

fn draw(frame: &Frame, features: &[Outline], grain: i32) -> Paths {
    let mut paths = Paths::default();
    let mut dots = Dots {
        grain: grain.max(2),
        there: HashSet::new(),
    };
    for outline in features.iter().filter(|outline| frame.holds(outline)) {
        for &point in &outline.points {
            dots.add(frame.place(point), &mut paths.points);
        }
        for line in &outline.lines {
            match simplified(frame, line, grain)[..] {
                [] => {}
                [only] => dots.add(only, &mut paths.lines),
                ref line => follow(line, &mut paths.lines),
            }
        }
        for ring in &outline.rings {
            match simplified(frame, ring, grain)[..] {
                [] => {}
                [only] | [only, _] => dots.add(only, &mut paths.areas),
                // The last one is the first one again.
                ref ring => {
                    let open = ring.len() - usize::from(ring.first() == ring.last());
                    follow(&ring[..open], &mut paths.areas);
                    paths.areas.push('z');
                }
            }
        }
    }
    paths
}

/// Without vertices that lie within `grain` of the one before; the last one stays.
fn simplified(frame: &Frame, places: &[Place], grain: i32) -> Vec<[i32; 2]> {
    let mut kept: Vec<[i32; 2]> = Vec::new();
    for (nth, &place) in places.iter().enumerate() {
        let now = frame.place(place);
        let is_near = kept.last().is_some_and(|last| {
            let far = (last[0] - now[0]).abs().max((last[1] - now[1]).abs());
            far < grain || far == 0
        });
        if !is_near || nth + 1 == places.len() && kept.last() != Some(&now) {
            kept.push(now);
        }
    }
    kept
}

fn follow(line: &[[i32; 2]], path: &mut String) {
    let Some((&[x, y], rest)) = line.split_first() else {
        return;
    };
    let _ = write!(path, "M{x} {y}");
    let mut last = [x, y];
    // A minus parts two numbers as well as a space does.
    let gap = |number: i32| if number < 0 { "" } else { " " };
    for (nth, &[x, y]) in rest.iter().enumerate() {
        let (dx, dy) = (x - last[0], y - last[1]);
        let lead = if nth == 0 { "l" } else { gap(dx) };
        let _ = write!(path, "{lead}{dx}{}{dy}", gap(dy));
        last = [x, y];
    }
}

/// What is smaller than it can be drawn, and points: one for each place.
struct Dots {
    grain: i32,
    there: HashSet<[i32; 2]>,
}

impl Dots {
    fn add(&mut self, [x, y]: [i32; 2], path: &mut String) {
        if self.there.insert([x / self.grain, y / self.grain]) {
            let _ = write!(path, "M{x} {y}h0");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    fn line(places: &[Place]) -> Outline {
        Outline {
            lines: vec![places.to_vec()],
            ..Outline::default()
        }
    }

    fn points(places: impl IntoIterator<Item = Place>) -> Vec<Outline> {
        let one = |place| Outline {
            points: vec![place],
            ..Outline::default()
        };
        places.into_iter().map(one).collect()
    }

    #[test]
    fn the_aspect_is_kept_and_everything_lies_in_the_frame() {
        for [x1, y1, x2, y2] in [
            [0.0, 0.0, 10.0, 10.0],
            [-180.0, -90.0, 180.0, 90.0],
            [5.0, 5.0, 5.0, 5.0],
            [0.0, 5.0, 1e9, 5.0],
            [5.0, -1e12, 5.0, 1e12],
            [500_000.0, 5_600_000.0, 500_000.001, 5_600_020.0],
        ] {
            let frame = Frame::around([line(&[[x1, y1], [x2, y2]])].iter()).unwrap();
            let ([left, bottom], [right, top]) = (frame.place([x1, y1]), frame.place([x2, y2]));
            assert!(0 <= left && left <= right && f64::from(right) <= WIDTH);
            assert!(0 <= top && top <= bottom && f64::from(bottom) <= frame.height);
            let (wide, high) = (f64::from(right - left), f64::from(bottom - top));
            if x2 - x1 > 1.0 && y2 - y1 > 1.0 {
                assert!((wide / high / ((x2 - x1) / (y2 - y1)) - 1.0).abs() < 0.02);
            }
        }
    }

    #[test]
    fn a_few_strays_do_not_shrink_all_others() {
        let near = (0..200).map(|n| [500_000.0 + f64::from(n), 5_600_000.0 + f64::from(n % 20)]);
        let mut all = points(near);
        all.extend(points([[0.0, 0.0]]));
        let frame = Frame::around(all.iter()).unwrap();
        assert!(frame.extent[0] >= 500_000.0, "{:?}", frame.extent);
        assert_eq!(all.iter().filter(|one| !frame.holds(one)).count(), 1);
        // What lies everywhere is no stray.
        let everywhere = points((0..200).map(|n| [f64::from(n * n), f64::from(n)]));
        let frame = Frame::around(everywhere.iter()).unwrap();
        assert!(everywhere.iter().all(|one| frame.holds(one)));
    }

    #[test]
    fn a_path_has_whole_numbers_and_keeps_within_its_bytes() {
        let wave = |n: i32| [f64::from(n), f64::from((n * 37) % 400)];
        let many: Vec<Outline> = (0..500)
            .map(|at| line(&(at..at + 300).map(wave).collect::<Vec<_>>()))
            .collect();
        let frame = Frame::around(many.iter()).unwrap();
        for bytes in [500, 4_000, 40_000] {
            let drawn = paths(&frame, &[&many], bytes);
            assert!(drawn[0].lines.starts_with('M'));
            assert!(drawn[0].len() <= bytes, "{} of {bytes}", drawn[0].len());
            let is_plain = |c: char| "Mlhz -".contains(c) || c.is_ascii_digit();
            assert!(drawn[0].lines.chars().all(is_plain));
        }
        let one = draw(
            &frame,
            &[line(&[[0.0, 0.0], [100.0, 0.0], [50.0, 399.0]])],
            1,
        );
        assert_eq!(one.lines.matches('l').count(), 1, "{}", one.lines);
    }

    #[test]
    fn points_that_fall_together_are_one_dot() {
        let all = points((0..1_000).map(|n| [f64::from(n % 10), f64::from(n % 7)]));
        let frame = Frame::around(all.iter()).unwrap();
        assert_eq!(draw(&frame, &all, 1).points.matches('M').count(), 70);
    }
}
