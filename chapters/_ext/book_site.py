"""Local Sphinx extension: the site asks no other host for anything.

MathJax is copied out of the wheel ``sphinx-mathjax-offline`` (the combined component and its
fonts, nothing else), and the buttons that lead to a repository appear only when the environment
variable ``BOOK_REPOSITORY_URL`` names one.
"""

import os
import shutil
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import urlsplit

from sphinx.errors import ConfigError

MATHJAX_PARTS = ("tex-chtml-full.js", "output/chtml")


def copy_mathjax(app, exception):
    """Put MathJax under ``_static/mathjax`` once the HTML pages are written."""
    if exception or app.builder.format != "html":
        return
    wheel = distribution("sphinx-mathjax-offline")
    source = Path(wheel.locate_file("sphinx-mathjax-offline/static/mathjax"))
    target = Path(app.outdir, "_static", "mathjax")
    for part in MATHJAX_PARTS:
        destination = target / part
        destination.parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, destination, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / part, destination)


def add_repository_buttons(app, config):
    """Show repository, issue and launch buttons if ``BOOK_REPOSITORY_URL`` is set.

    Raises:
        ConfigError: the address is not one of GitHub or GitLab.
    """
    url = os.environ.get("BOOK_REPOSITORY_URL", "").rstrip("/")
    if not url:
        return
    host = urlsplit(url).hostname or ""
    if host not in ("github.com", "gitlab.com"):
        raise ConfigError(
            f"BOOK_REPOSITORY_URL must be an address on github.com or gitlab.com, got {url!r}:"
            " correct it, or unset it to build without repository buttons"
        )
    launch = {
        "notebook_interface": "jupyterlab",
        "binderhub_url": "https://mybinder.org",
    }
    if host == "github.com":
        launch["colab_url"] = "https://colab.research.google.com"
    config.html_theme_options |= {
        "repository_url": url,
        "repository_branch": os.environ.get("BOOK_REPOSITORY_BRANCH", "main"),
        "use_repository_button": True,
        "use_issues_button": True,
        "launch_buttons": launch,
    }


def setup(app):
    """Connect both steps to Sphinx."""
    app.connect("config-inited", add_repository_buttons)
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
