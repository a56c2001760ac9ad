"""Tests of headwater. With this file, no installed package called `tests` is taken for them."""
