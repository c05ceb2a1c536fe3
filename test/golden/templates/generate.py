"""Writes cases.json: what Transformers makes of chat templates; see README.md.

    pip install transformers==5.24.0 jinja2==3.1.6
    python generate.py
"""

import datetime
import json
import pathlib

from transformers.utils import chat_template_utils as utils

from constructs import CONSTRUCTS, VARIABLES
from families import FAMILIES

DATE = datetime.datetime(2026, 11, 28)
CHATS = {
    "user": [{"role": "user", "content": "Who did it?"}],
    "system": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "  Was it Plum?\n"},
    ],
    "turns": [
        {"role": "system", "content": "You are \"fair\" & <kind>."},
        {"role": "user", "content": "Who?\nWhere?"},
        {"role": "assistant", "content": "<think>\nThe hall is shut.\n</think>\n\nPlum's in the café 🕵️ "},
        {"role": "user", "content": "Sure?"},
    ],
    "odd": [
        {"role": "assistant", "content": "First."},
        {"role": "assistant", "content": "Second."},
    ],
}


class Frozen(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return DATE


def render(template, messages, variables, prompt):
    try:
        (text,), _ = utils.render_jinja_template(
            conversations=[messages], chat_template=template, add_generation_prompt=prompt, **variables
        )
        # Addresses and random words are not the same twice.
        return None if "at 0x" in text or "<class" in text or "TemplateReference" in text else text
    except Exception:
        return None


def main():
    utils.datetime = Frozen
    cases = []
    for name, (template, variables) in FAMILIES.items():
        for chat, messages in CHATS.items():
            for prompt in (True, False):
                want = render(template, messages, variables, prompt)
                cases.append(case(f"{name}, {chat}{', prompt' if prompt else ''}", template, messages, variables, prompt, want))
    for template in CONSTRUCTS:
        want = render(template, CHATS["turns"], VARIABLES, True)
        cases.append(case(template, template, CHATS["turns"], VARIABLES, True, want))
    templates = {}
    sets = {}
    for one in cases:
        one["template"] = templates.setdefault(one["template"], len(templates))
        one["variables"] = sets.setdefault(json.dumps(one["variables"]), len(sets))
    head = {
        "date": DATE.strftime("%Y-%m-%d"),
        "chats": CHATS,
        "variables": [json.loads(text) for text in sets],
        "templates": list(templates),
    }
    rows = ",\n".join(json.dumps(one, ensure_ascii=False) for one in cases)
    text = json.dumps(head, ensure_ascii=False, indent=1)[:-2] + f',\n "cases": [\n{rows}\n]\n}}\n'
    path = pathlib.Path(__file__).parent / "cases.json"
    path.write_text(text, encoding="utf-8")
    print(len(cases), "cases,", sum(one["want"] is None for one in cases), "of them errors")


def case(name, template, messages, variables, prompt, want):
    chat = next(key for key, value in CHATS.items() if value is messages)
    return {"name": name, "template": template, "chat": chat, "variables": variables, "prompt": prompt, "want": want}


main()
