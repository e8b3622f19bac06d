"""soukatsu in Python: a second implementation, written from proto/PROTOCOL.md alone.

It shares no code with the C one and favours being plainly the document over being fast. Each module
names the rules that it carries out. `Refused` is what every reader here raises for received bytes.
"""


class Refused(Exception):
    """Received bytes that a rule does not allow; the text begins with the rule."""
