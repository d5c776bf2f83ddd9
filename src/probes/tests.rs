//! Measured against numpy, and the cases that no formula foresees.
