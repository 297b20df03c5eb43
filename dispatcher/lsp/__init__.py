"""The language server: what an editor shows and offers while rules are written. Only this package imports pygls.

- documents.py has the text of a file as the editor has it, and places in both ways of counting;
- analysis.py has what is known of one version of a file; workspaces.py what the folder around it says;
- tokens.py and context.py say what stands at the cursor, also in a file that does not parse at the moment;
- completion.py, hover.py, symbols.py and problems.py answer in data of their own; server.py speaks the protocol.
"""
