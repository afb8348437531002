"""What every reader says of a file of another kind, of what has no end, and of no path at all."""

import bz2
from functools import partial
import gzip
import io
import lzma
import os
from pathlib import Path

from helpers.refusals import refusal
import numpy as np
import pytest

from pointpng_core.config import read_yaml_mapping
from pointpng_core.io import read_camera, read_depth, read_mask, read_model
from pointpng_core.io.bags.reader import STORAGE_SUFFIXES, CloudBag
from pointpng_core.io.bop import BopDataset
from pointpng_core.io.bop.json_files import read_json
from pointpng_core.io.bop.results import read_results
from pointpng_core.io.checkpoints import read_checkpoint
from pointpng_core.io.image_files import read_colour
from pointpng_core.io.object_library import load_library
from pointpng_core.training.data import SourceConfig, load_sources

SECRET = 'hunter2'


def read_source(path):
    load_sources([SourceConfig(path=str(path))], pool=3, seed=0)


READERS = {
    read_model: ('.obj', '.stl', '.off', '.ply', '.pcd', '.xyz', '.npy', '.npz'),
    partial(read_camera, image_shape=(4, 6)): ('.json', '.yaml'),
    read_depth: ('.png', '.tif', '.npy'), read_mask: ('.png', '.jpg', '.npy'),
    CloudBag: STORAGE_SUFFIXES, read_source: ('.h5', '.npz', '.xyz', '.mcap'),
    read_yaml_mapping: ('.yaml',), partial(read_json, hint=''): ('.json',),
    read_colour: ('.png',), read_results: ('.csv',)}
CASES = [(read, suffix) for read, suffixes in READERS.items() for suffix in suffixes]


@pytest.mark.parametrize('text', [
    f'root:{SECRET}:0:0\n', f'{SECRET}\n', f'1 2 {SECRET}\n', f'1 2 3\n4 5 {SECRET}\n',
    f'# {SECRET}\n', f'["{SECRET}"]', f'[{SECRET}', f'"{SECRET}"', f'BEGIN {SECRET}\n' * 40,
    f'v {SECRET} 1 2\n', f'v 1 2 3\nf {SECRET}\n', f'v 1 {SECRET}\n', f'f 1 2 {SECRET}'])
def test_a_file_of_another_kind_is_not_quoted(tmp_path, text):
    """It may be reached by a link, and the error be shown to whoever placed that."""
    for read, suffix in CASES:
        path = tmp_path / f'file{suffix}'
        path.write_text(text)
        assert SECRET not in refusal(partial(read, path)), (read, suffix)


def test_rows_that_are_no_numbers_are_found_by_their_row(tmp_path):
    path = tmp_path / 'cloud.xyz'
    path.write_text('1 2 3\n4 5 6\n7 8 nine\n')
    assert 'at row 2' in refusal(partial(read_model, path))
    path.write_text('')
    assert 'is empty' in refusal(partial(read_model, path))
    path.write_text('# nothing\n')
    assert 'holds no points' in refusal(partial(read_model, path))


def test_pipes_and_devices_are_not_read(tmp_path):
    """Each would wait, or fill the memory, without end."""
    for read, suffix in CASES:
        os.mkfifo(tmp_path / f'{suffix[1:]}{suffix}')
        assert refusal(partial(read, tmp_path / f'{suffix[1:]}{suffix}')), (read, suffix)
        (tmp_path / f'{suffix[1:]}{suffix}').unlink()
        link = tmp_path / f'zero{suffix}'
        link.unlink(missing_ok=True)
        link.symlink_to('/dev/zero')
        assert refusal(partial(read, link)), (read, suffix)


@pytest.mark.parametrize('suffix', [*STORAGE_SUFFIXES, '.mcap.zstd', '.h5'])
def test_pipes_in_folders_are_not_read(tmp_path, suffix):
    os.mkfifo(tmp_path / f'train{suffix}')
    for read in (read_source,) if suffix == '.h5' else (read_source, CloudBag):
        assert refusal(partial(read, tmp_path))


@pytest.mark.parametrize('name', ['n' * 5000, 'a\x00b', '\ud800'])
def test_what_can_be_no_path_is_refused(name):
    for read, suffix in [*CASES, (load_library, ''), (read_checkpoint, ''), (BopDataset, '')]:
        assert refusal(partial(read, Path(f'{name}{suffix}'))), (read, suffix)


def test_an_archive_is_no_image(tmp_path):
    archive = io.BytesIO()
    np.savez(archive, depth=np.ones((4, 6)))
    (tmp_path / 'a.npy').write_bytes(archive.getvalue())
    np.save(tmp_path / 'b.npy', np.zeros((4, 6), dtype=[('z', 'f4')]))
    np.save(tmp_path / 'c.npy', np.ones((4, 6), dtype='complex64'))
    for name in 'abc':
        for read in (read_depth, read_mask, read_model):
            assert refusal(partial(read, tmp_path / f'{name}.npy')), (name, read)


@pytest.mark.parametrize(('content', 'words'), [
    (b'version https://git-lfs.github.com/spec/v1\noid sha256:' + 64 * b'0' + b'\nsize 1234\n',
     ['Git LFS', '`git lfs pull`']),
    (b'\n\n<!DOCTYPE html>\n<html lang="en">\n', ['web page', 'download the file itself']),
    (b'\xef\xbb\xbf<HTML><head></head></HTML>\n', ['web page', 'download the file itself']),
    (gzip.compress(b'ply\n' * 99), ['packed by gzip', 'unpack it']),
    (bz2.compress(b'ply\n' * 99), ['packed by bzip2', 'unpack it']),
    (lzma.compress(b'ply\n' * 99), ['packed by xz', 'unpack it'])])
def test_a_download_that_went_wrong_is_named(tmp_path, content, words):
    """In place of the damage that the reader of such a kind would find."""
    for read, suffix in CASES:
        if read is read_yaml_mapping:
            continue
        path = tmp_path / f'file{suffix}'
        path.write_bytes(content)
        message = refusal(partial(read, path))
        assert all(word in message for word in [str(path), *words]), (read, suffix, message)
