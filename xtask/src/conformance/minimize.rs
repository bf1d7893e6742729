//! The last of shrinking: calls that can go without the failure going with them.

/// Leaves out what can be left out while `fails` still fails, and answers the rest with what it failed with.
pub(crate) fn minimize<T: Clone>(
    mut calls: Vec<T>,
    mut reason: String,
    mut fails: impl FnMut(&[T]) -> Option<String>,
) -> (Vec<T>, String) {
    let mut length = calls.len().div_ceil(2);
    loop {
        let (mut at, mut shorter) = (0, false);
        while at < calls.len() {
            let mut fewer = calls.clone();
            fewer.drain(at..(at + length).min(calls.len()));
            match fails(&fewer) {
                Some(still) => (calls, reason, shorter) = (fewer, still, true),
                None => at += length,
            }
        }
        if length > 1 {
            length = length.div_ceil(2);
        } else if !shorter {
            return (calls, reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_needed_goes() {
        let needed = |calls: &[u32]| (calls.contains(&3) && calls.contains(&70)).then(|| "fails".to_owned());
        let (left, reason) = minimize((0..100).collect(), String::new(), needed);
        assert_eq!((left, reason.as_str()), (vec![3, 70], "fails"));
    }
}
