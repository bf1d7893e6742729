//! Made-up data: the same on every machine, and the same, to the byte, as `xtask/node/bench-data.mjs` makes.

/// Numbers below 2^31 that look random: a Lehmer generator, which JavaScript's numbers hold exactly.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        self.0
    }
}

pub(crate) fn kv_key(i: u64) -> String {
    format!("v{}.vs.vom.o+d{}/{i}", i % 50 + 1, i % 20 + 10)
}

pub(crate) fn kv_value(i: u64) -> String {
    format!(
        r##"{{"label":{{"body":"#\"issue {} of brand {}\"","slots":[]}},"amount":{{"body":"#\"+{i}\"","slots":["o-{}"]}}}}"##,
        i % 977,
        i % 31,
        i % 613
    )
}

/// A transcript item of `length` bytes.
pub(crate) fn item(i: u64, length: usize) -> String {
    let mut item = format!(r##"{{"d":["message","o+{}",{{"methargs":{{"body":"#[\"deposit\",["##, i % 97);
    let mut at = 0;
    while item.len() + 64 < length {
        item.push_str(&format!(r#"{{\"v\":\"+{}\"}},"#, (i * 31 + at * 17) % 65_536));
        at += 1;
    }
    // The room that is left stands inside: the reference cuts spaces off the end of what it imports.
    let end = r#"]]","slots":[]}}],"sc":[],"r":{"status":"ok"}}"#;
    format!("{item:<width$}{end}", width = length - end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_have_the_length_asked_for_and_the_dice_their_known_numbers() {
        assert!([300, 2048].into_iter().all(|length| item(5, length).len() == length));
        let mut dice = Dice::new(1);
        assert_eq!([dice.roll(), dice.roll()], [48_271, 182_605_794]);
    }
}
