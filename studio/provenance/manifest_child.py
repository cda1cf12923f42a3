"""Reads one file's C2PA manifest, on standard input, in a process of its own with limits; prints JSON.

Started by manifest.py as a script: it imports nothing of the studio.
"""

import io
import json
import resource
import sys

MEMORY_BYTES, CPU_S = 2 << 30, 15
GENERATED = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia")


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    head = json.loads(sys.stdin.buffer.readline())
    told = read(sys.stdin.buffer.read(), head["media_type"], head["anchors"])
    sys.stdout.write(json.dumps(told))


def read(data: bytes, media_type: str, anchors: str) -> dict[str, object]:
    import c2pa

    settings = {
        "trust": {"trust_anchors": anchors},
        "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
    }
    context = c2pa.Context(c2pa.Settings.from_dict(settings))
    try:
        reader = c2pa.Reader.try_create(media_type, io.BytesIO(data), context=context)
    except c2pa.C2paError:  # a manifest that can't be parsed is a broken one; a file without any is not
        return answer("broken" if b"c2pa" in data else "absent")
    if reader is None:
        return answer("absent")
    state = {"Trusted": "ours", "Valid": "foreign"}.get(reader.get_validation_state() or "", "broken")
    if state == "broken":
        return answer(state)
    active = reader.get_active_manifest() or {}
    actions = [
        action
        for assertion in active.get("assertions", [])
        if str(assertion.get("label", "")).startswith("c2pa.actions")
        for action in assertion.get("data", {}).get("actions", [])
    ]
    sources = [str(action.get("digitalSourceType", "")).rsplit("/", 1)[-1] for action in actions]
    return answer(
        state,
        signer=str(active.get("signature_info", {}).get("issuer", ""))[:100],
        made_at=next((str(a["when"]) for a in actions if a.get("when")), "")[:40],
        generated=any(source in GENERATED for source in sources),
    )


def answer(state: str, signer: str = "", made_at: str = "", generated: bool = False) -> dict[str, object]:
    return {"state": state, "signer": signer, "made_at": made_at, "generated": generated}


if __name__ == "__main__":
    main()
