"""Makes what the tests of several rooms share (`helpers`) importable from each of them."""
