"""The ways by which an approved alert goes out beside LINE, each behind the same small interface."""
