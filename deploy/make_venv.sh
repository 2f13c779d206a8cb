#!/bin/sh
# Make a virtual environment with pip in it: make_venv.sh FOLDER
#
# Debian keeps pip out of its plain python3, and `python3 -m venv` fails without it. Its package of pip's wheel can be
# fetched and unpacked without being root, so that is the second way.
set -eu
folder=$1
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || {
    echo "Python 3.11, 3.12 or 3.13 is needed; set PYTHON=… to one." >&2
    exit 1
}
if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv "$folder"
    exit 0
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/lists/partial" "$scratch/archives/partial"
apt="apt-get -qq -o Dir::State::Lists=$scratch/lists -o Dir::Cache=$scratch -o Dir::Cache::Archives=$scratch/archives"
apt="$apt -o APT::Sandbox::User=$(id -un) -o Debug::NoLocking=1"
(cd "$scratch" && $apt update && $apt download python3-pip-whl && dpkg-deb -x python3-pip-whl_*.deb .) || {
    echo "pip is missing and could not be fetched. Install it: apt-get install python3-venv" >&2
    exit 1
}
"$python" -m venv --without-pip "$folder"
wheel=$(echo "$scratch"/usr/share/python-wheels/pip-*.whl)
"$folder/bin/python" "$wheel/pip" --isolated --disable-pip-version-check install --quiet --no-index "$wheel"
