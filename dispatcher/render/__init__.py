"""What people read: diagnostics, decisions and findings as lines of styled text. Data goes out as JSON from `to_dict`.

`text` makes lines and writes them; each of the other modules puts one kind of result into lines.
"""
