# SPDX-License-Identifier: MIT
"""The Python code in docs/hosts.md does what the page says."""
import re
import unittest

from support import ROOT, sample
from web_case import WebCase, WebServer

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs/hosts.md").read_text(encoding="utf-8"), re.DOTALL)


class DocumentsTest(WebCase):
    def folder(self, code=""):
        folder = self.directory()
        (folder / "promplug.yml").write_text("process_metrics: false\n", encoding="utf-8")
        (folder / "photo.py").write_text(code, encoding="utf-8")
        return folder

    def test_the_ten_lines_count_and_print(self):
        folder = self.folder()
        code, said, log = self.script(f"os.chdir({str(folder)!r})\n" + BLOCKS[0])
        self.assertEqual(code, 0, log)
        self.assertEqual(sample(said, "photo_requests_total", method="GET", status="200"), 1)
        self.assertEqual(sample(said, "photo_request_seconds_count"), 1)
        self.assertLessEqual(len(BLOCKS[0].strip().splitlines()), 10)

    def test_the_application_answers_its_metrics(self):
        folder = self.folder("import os\nos.chdir(os.path.dirname(__file__))\n" + BLOCKS[1])
        server = WebServer(self, "uvicorn", lambda port: ["photo:app", "--app-dir", folder, "--port", str(port)],
                           ready="/photos/1")
        self.assertEqual(server.counted(method="GET", route="/photos/{id}", status="200"), 1)
        self.assertNotIn("process_cpu_seconds_total", server.metrics())

    def test_nothing_else_is_in_the_page(self):
        self.assertEqual(len(BLOCKS), 2)


if __name__ == "__main__":
    unittest.main()
