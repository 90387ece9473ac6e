"""The form of value types that come in great numbers, as logs, acts and what they add up to: frozen, compared by their
fields, made and written in C (msgspec). Pure."""

import msgspec


class Value(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """What these value types share. Written as the array of their fields in their order.

    The garbage collector does not look at them: what they hold is older than they are, so they are in no cycle.
    """


class Wide(int):
    """A number of up to 256 bits, where most have 64 at most."""
