"""The definition of the rules language, as data: `dispatcher.lark` is the only grammar, README.md its reference."""
