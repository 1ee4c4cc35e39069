//! What every store must do, as functions that panic where one does not.
