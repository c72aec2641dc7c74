"""Runs `perfectworks doctor` with the settings that a rendered compose file gives to
each process, and fails unless the program takes them.

    check_settings.py COMPOSE-FILE PROGRAM CERTIFICATES
"""

import json
import os
import subprocess
import sys
import tempfile

import yaml


def main(compose_file, program, certificates):
    with open(compose_file, encoding="utf-8") as f:
        services = yaml.safe_load(f)["services"]
    ours = {name: s for name, s in services.items() if s["image"].startswith("perfectworks:")}
    roles = sorted(s["command"][2] for s in ours.values())
    if roles != ["api", "api", "projector", "projector", "worker", "worker"]:
        sys.exit(f"the cluster has the roles {roles}")
    for name, service in ours.items():
        if not service["read_only"] or service["cap_drop"] != ["ALL"]:
            sys.exit(f"{name} can do more than it must")
        with tempfile.TemporaryDirectory() as folder:
            settings = {key: str(value or "").replace("/certificates", certificates) for key, value in service["environment"].items()}
            settings["PERFECTWORKS_ROLE"] = service["command"][2]
            settings["PERFECTWORKS_DATA"] = folder
            settings["PATH"] = os.environ["PATH"]
            answer = subprocess.run([program, "doctor", "--json"], env=settings, capture_output=True, text=True, timeout=120, check=False)
            try:
                findings = {f["check"]: f for f in json.loads(answer.stdout)}
            except ValueError:
                sys.exit(f"{name}: {answer.stderr}")
            if findings["settings"]["health"] != "ok" or findings["settings"]["says"] != "production":
                sys.exit(f"{name}: {findings['settings']}")
    print(f"the program takes the settings of {', '.join(sorted(ours))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
