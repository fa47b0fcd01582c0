//! Pictures, drawn here: grey PNGs of faces and cards that nobody has.

use crate::exchange::crc32;
use crate::state::Picture;

const WIDTH: usize = 60;
const HEIGHT: usize = 76;

/// What is on a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Face,
    CardFront,
    CardBack,
}

/// A picture of this person, with this flaw.
pub(crate) fn png(subject: Subject, seed: u64, flaw: Picture) -> Vec<u8> {
    let seed = match flaw {
        Picture::OtherFace => seed ^ 0x5555_5555,
        _ => seed,
    };
    let shade = |x: f32, y: f32| match subject {
        Subject::Face => face(seed, x, y),
        Subject::CardFront => card(seed, x, y),
        Subject::CardBack => lines(x, y),
    };
    let flawed = |x: f32, y: f32| match flaw {
        Picture::Good | Picture::OtherFace => shade(x, y),
        Picture::Blurred => {
            let steps = [-0.12, -0.06, 0.0, 0.06, 0.12];
            let around = steps
                .iter()
                .flat_map(|dx| steps.iter().map(move |dy| (dx, dy)));
            around.map(|(dx, dy)| shade(x + dx, y + dy)).sum::<f32>() / 25.0
        }
        Picture::Glare if ellipse(x, y, 0.6, 0.4, 0.33, 0.28) => 1.0,
        Picture::Glare => shade(x, y),
        Picture::Cropped => shade(x * 0.6 + 0.55, y * 0.8 + 0.35),
        // Two strokes across what is out of date.
        Picture::Expired if (x - y).abs() < 0.05 || (x + y - 1.0).abs() < 0.05 => 0.0,
        Picture::Expired => shade(x, y),
    };
    let flawed = &flawed;
    let row = |y: usize| {
        let y = centre(y, HEIGHT);
        let at = move |x: usize| flawed(centre(x, WIDTH), y);
        let nibble = move |x: usize| (at(x).clamp(0.0, 1.0) * 15.0) as u8;
        let pairs = (0..WIDTH).step_by(2);
        let pairs = pairs.map(move |x| nibble(x) << 4 | nibble(x.saturating_add(1)));
        // The row is not filtered.
        std::iter::once(0).chain(pairs)
    };
    encode(&(0..HEIGHT).flat_map(row).collect::<Vec<u8>>())
}

fn centre(position: usize, of: usize) -> f32 {
    (position as f32 + 0.5) / of as f32
}

fn ellipse(x: f32, y: f32, cx: f32, cy: f32, rx: f32, ry: f32) -> bool {
    let (dx, dy) = ((x - cx) / rx, (y - cy) / ry);
    dx * dx + dy * dy <= 1.0
}

/// A trait of the person between 0 and 1.
fn part(seed: u64, number: u32) -> f32 {
    let mixed = seed
        .wrapping_add(u64::from(number))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed >> 40) & 0xff) as f32 / 255.0
}

fn face(seed: u64, x: f32, y: f32) -> f32 {
    let part = |number| part(seed, number);
    let (wide, tall) = (0.22 + 0.06 * part(1), 0.28 + 0.04 * part(2));
    let (skin, hair) = (0.55 + 0.3 * part(3), 0.05 + 0.3 * part(4));
    let (eyes, mouth) = (0.42 + 0.03 * part(5), 0.60 + 0.04 * part(6));
    let apart = 0.085 + 0.025 * part(7);
    let is_eye = ellipse(x, y, 0.5 - apart, eyes, 0.03, 0.02)
        || ellipse(x, y, 0.5 + apart, eyes, 0.03, 0.02);
    let is_mouth = ellipse(
        x,
        y,
        0.5,
        mouth,
        0.07 + 0.03 * part(8),
        0.012 + 0.01 * part(9),
    );
    let is_nose = ellipse(x, y, 0.5, (eyes + mouth) / 2.0, 0.018, 0.05);
    let is_hair = ellipse(x, y, 0.5, 0.40, wide + 0.05, tall + 0.06) && y < 0.30 + 0.08 * part(10);
    if is_eye || is_mouth {
        0.1
    } else if is_nose {
        skin - 0.15
    } else if is_hair {
        hair
    } else if ellipse(x, y, 0.5, 0.48, wide, tall) {
        skin
    } else if ellipse(x, y, 0.5, 1.05, 0.42, 0.28) {
        0.25 + 0.4 * part(11)
    } else {
        0.92
    }
}

/// A card with the face on its left and lines of writing on its right.
fn card(seed: u64, x: f32, y: f32) -> f32 {
    if !(0.04..0.96).contains(&x) || !(0.2..0.8).contains(&y) {
        return 0.35;
    }
    let (fx, fy) = ((x - 0.10) / 0.34, (y - 0.28) / 0.44);
    if (0.0..1.0).contains(&fx) && (0.0..1.0).contains(&fy) {
        return face(seed, fx, fy);
    }
    let is_line = x > 0.5 && x < 0.9 && (y * 12.0).fract() < 0.4 && y > 0.3 && y < 0.72;
    if is_line { 0.2 } else { 0.95 }
}

/// A card's back: writing, and bars.
fn lines(x: f32, y: f32) -> f32 {
    if !(0.04..0.96).contains(&x) || !(0.2..0.8).contains(&y) {
        return 0.35;
    }
    let is_line = x > 0.1 && x < 0.9 && y > 0.3 && y < 0.55 && (y * 14.0).fract() < 0.4;
    let is_bar = x > 0.1 && x < 0.9 && y > 0.62 && y < 0.74 && (x * 23.0).fract() < 0.5;
    if is_line || is_bar { 0.15 } else { 0.95 }
}

/// A PNG of 4-bit grey without compression.
fn encode(rows: &[u8]) -> Vec<u8> {
    let dimension = |size: usize| u32::try_from(size).unwrap_or(0).to_be_bytes();
    let mut header = Vec::new();
    header.extend(dimension(WIDTH));
    header.extend(dimension(HEIGHT));
    // Four bits a pixel, grey, the only methods there are, not interlaced.
    header.extend([4, 0, 0, 0, 0]);
    let length = u16::try_from(rows.len()).unwrap_or(0);
    // One stored block, which is the last one.
    let mut data = vec![0x78, 0x01, 0x01];
    data.extend(length.to_le_bytes());
    data.extend((!length).to_le_bytes());
    data.extend(rows);
    data.extend(adler32(rows).to_be_bytes());
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in [
        (b"IHDR", header.as_slice()),
        (b"IDAT", &data),
        (b"IEND", &[]),
    ] {
        png.extend(dimension(content.len()));
        let named = [kind.as_slice(), content].concat();
        png.extend(&named);
        png.extend(crc32(&named).to_be_bytes());
    }
    png
}

fn adler32(bytes: &[u8]) -> u32 {
    let next = |(a, b): (u32, u32), byte: &u8| {
        let a = a.wrapping_add(u32::from(*byte)) % 65_521;
        (a, a.wrapping_add(b) % 65_521)
    };
    let (a, b) = bytes.iter().fold((1, 0), next);
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_have_their_published_values() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn a_picture_is_whole_and_the_same_each_time() {
        let picture = png(Subject::Face, 7, Picture::Good);
        assert_eq!(picture, png(Subject::Face, 7, Picture::Good));
        for other in [
            png(Subject::Face, 8, Picture::Good),
            png(Subject::Face, 7, Picture::OtherFace),
            png(Subject::Face, 7, Picture::Blurred),
            png(Subject::Face, 7, Picture::Glare),
            png(Subject::Face, 7, Picture::Cropped),
            png(Subject::Face, 7, Picture::Expired),
            png(Subject::CardFront, 7, Picture::Good),
            png(Subject::CardBack, 7, Picture::Good),
        ] {
            assert_ne!(picture, other);
            assert_eq!(picture.len(), other.len());
        }
        // Each chunk's length leads to the next one, and the last one ends the file.
        let mut rest = picture.get(8..).unwrap_or_default();
        let mut kinds = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(0);
            let (named, after) = after.split_at(length + 4);
            let (crc, after) = after.split_at(4);
            assert_eq!(crc, crc32(named).to_be_bytes());
            kinds.push(named.get(..4).unwrap_or_default());
            rest = after;
        }
        assert_eq!(kinds, [b"IHDR", b"IDAT", b"IEND"]);
        assert!(picture.len() < 2600);
    }
}
