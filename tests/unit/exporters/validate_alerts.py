# SPDX-License-Identifier: Apache-2.0
"""Validates alert records, one per line of standard input, against the schema given; says what is wrong.

With --show prints each record again as Python reads it (keys sorted, ASCII only).
"""
import json
import sys

import jsonschema


def unique(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError(f"doubled key in {keys}")
    return dict(pairs)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    faults = records = 0
    for number, line in enumerate(sys.stdin.buffer.read().decode("utf-8").split("\n")[:-1], 1):
        records += 1
        try:
            record = json.loads(line, object_pairs_hook=unique)
        except ValueError as error:
            faults += 1
            print(f"{number}: {error}")
            continue
        for error in validator.iter_errors(record):
            faults += 1
            print(f"{number}: {error.json_path}: {error.message}")
        if "--show" in sys.argv:
            print(json.dumps(record, sort_keys=True))
    print(f"{records} records, {faults} faults", file=sys.stderr)
    return 1 if faults or not records else 0


sys.exit(main())
