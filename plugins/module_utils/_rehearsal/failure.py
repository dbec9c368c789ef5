# Copyright: The URL Shortener SRE Lab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed build raises: one sentence for the user."""

from __future__ import annotations


class BuildError(Exception):
    """The message is complete: what failed, why, and what the user can do. It is shown as it is."""
