#!/usr/bin/env python3
"""Compares two stores' libraries by user, value by value: numbers by value, the order of fields aside.

    compare.py ONE.bson OTHER.bson

Prints the first differences; exits 1 when there is any.
"""

import sys
from itertools import islice

import bson
from bson.codec_options import CodecOptions, DatetimeConversion

SHOWN = 20
OPTIONS = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_AUTO)


def documents(path):
    with open(path, "rb") as file:
        while head := file.read(4):
            yield bson.decode(head + file.read(int.from_bytes(head, "little") - 4), OPTIONS)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def differences(one, other, path=""):
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted(one.keys() | other.keys()):
            if name not in one or name not in other:
                yield f"{path}.{name}: only in the {'other' if name not in one else 'one'}"
            else:
                yield from differences(one[name], other[name], f"{path}.{name}")
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield f"{path}: {len(one)} items, and {len(other)}"
        for index, (a, b) in enumerate(zip(one, other, strict=False)):
            yield from differences(a, b, f"{path}[{index}]")
    elif one != other or (type(one) is not type(other) and not (is_number(one) and is_number(other))):
        yield f"{path}: {one!r}, and {other!r}"


def main():
    one, other = map(documents, sys.argv[1:3])
    users = differing = shown = 0
    for a, b in zip(one, other, strict=True):
        users += 1
        found = [] if a == b else list(islice(differences(a, b), 3))
        differing += bool(found)
        for difference in found[: SHOWN - shown]:
            print(a["user_id"], difference)
            shown += 1
    print(f"{users - differing} of {users} libraries agree")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
