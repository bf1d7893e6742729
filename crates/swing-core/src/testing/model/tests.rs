//! The model is the first store that passes the suite.

use super::*;

crate::conformance!(ModelUnderTest);
