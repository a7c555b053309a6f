"""Where our rows say something else than AWS's, on purpose: a list for each source, in a module of its name.

The golden test takes nothing that is not listed, and no entry that nothing is found for.
"""

from dataclasses import dataclass

ABSENT = "absent"
ANY = "any value"


@dataclass(frozen=True)
class Difference:
    """A path where our rows differ from AWS's.

    `case` is `version/name` of a pair, with `*` for any characters. Elements of a list have no number in a path
    (`resources[].uid`), a key of `unmapped` stands in brackets (`unmapped[key]`), and so does the name of an
    observable (`observables[src_endpoint.ip]`); what the two say of one is `type_id value`, of several a list.
    """

    case: str
    path: str
    reason: str
    aws: object = ANY
    ours: object = ANY
