"""The commands: each module declares its arguments and runs them. Nothing is decided or formatted here."""
