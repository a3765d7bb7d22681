"""The ``--help`` of every command, taken in one process, so that torch and the kernels are loaded once."""

import contextlib
import io
import os
import re
import runpy
import sys
import warnings
from collections.abc import Iterator

import luigi
from public_names import modules

WIDTH = "100"
PROGRAMS = ("pipeline", "training", "evaluation", "simulation")
TASKS = ("BuildShards", "DatasetReport", "ExpandPlaylist", "PrepareKittiDepth", "PruneVersions", "RetryFailed")


def command_pages() -> dict[str, str]:
    """A page for each program, each with the help of all its commands, as Markdown."""
    pages = {program: _page(f"python -m {program}", _helps(program)) for program in PROGRAMS}
    scripts = [module.path for module in modules("benchmarks") if '__name__ == "__main__"' in module.source]
    pages["benchmarks"] = _page("python -m benchmarks", [(script, help_of(script)) for script in scripts])
    pages["luigi"] = tasks_page()
    return pages


def _helps(program: str) -> Iterator[tuple[str, str]]:
    overview = help_of(program)
    yield program, overview
    names = commands_in(overview)
    if not names:
        raise ValueError(f"no command was found in the help of {program}")
    for name in names:
        yield f"{program} {name}", help_of(program, name)


def commands_in(overview: str) -> list[str]:
    """The names that argparse lists, four blanks in, under its heading of commands."""
    return re.findall(r"^    ([a-z][a-z-]+)(?:  .*)?$", overview, re.MULTILINE)


def help_of(module: str, *words: str) -> str:
    """What ``python -m MODULE WORDS --help`` prints. Raises ``ValueError`` where it exits with anything but 0."""
    heard = io.StringIO()
    before = sys.argv, os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    sys.argv = [module, *words, "--help"]
    try:
        with contextlib.redirect_stdout(heard), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of a script that another one has imported before
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code:
            raise ValueError(f"{module} {' '.join(words)} --help exits with {end.code}") from end
    finally:
        sys.argv = before[0]
        os.environ.pop("COLUMNS") if before[1] is None else os.environ.update(COLUMNS=before[1])
    return heard.getvalue()


def _page(title: str, helps: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> str:
    parts = [f"# {title}"]
    for name, text in helps:
        parts.append(f"## {name}\n\n```text\n{text.strip()}\n```")
    return "\n\n".join(parts) + "\n"


def tasks_page() -> str:
    """The tasks of ``luigi --module pipeline`` and their options, and the sections of parameters, as tables."""
    import pipeline
    from pipeline.parameters import SECTIONS

    parts = [
        "# luigi --module pipeline",
        "Options of a task are given by themselves, as in `--root /data/streets`; those of a section with its name, "
        "as in `--Decoding-width 480`, or under the section in `luigi.cfg`.",
    ]
    parts += [_options(getattr(pipeline, name), "--") for name in TASKS]
    parts += [_options(section, f"--{section.__name__}-") for section in SECTIONS.values() if section.get_params()]
    return "\n\n".join(parts) + "\n"


def _options(task: type[luigi.Task], prefix: str) -> str:
    said = (task.__doc__ or "").strip().split("\n\n")[0]
    rows = [_row(f"{prefix}{name.replace('_', '-')}", parameter.description) for name, parameter in task.get_params()]
    return "\n".join(
        [f"## {task.__name__}", "", " ".join(said.split()), "", "| option | meaning |", "|---|---|", *rows]
    )


def _row(option: str, meaning: str | None) -> str:
    return f"| `{option}` | " + (meaning or "").replace("%%", "%").replace("|", "\\|") + " |"
