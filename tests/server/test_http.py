"""The HTTP server withstands attack.py, and ends with status 0 at SIGTERM. SIGLIP_HTTP_SERVER names its program."""

import os
import pathlib
import subprocess
import sys
import unittest

ATTACK = pathlib.Path(__file__).with_name("attack.py")


class HttpTest(unittest.TestCase):
    def test_withstands_attacks(self):
        server = subprocess.Popen([os.environ["SIGLIP_HTTP_SERVER"]], stdout=subprocess.PIPE, text=True)
        try:
            port = server.stdout.readline().strip()
            # Deadlines are those of test_server.cc. Its budget is 128 MiB.
            command = [sys.executable, "-B", str(ATTACK), "127.0.0.1", port, "--post", "/length",
                       "--large", "/large", "--header-seconds", "2", "--body-seconds", "2",
                       "--reply-seconds", "2", "--rate", "10e6",
                       "--health-milliseconds", "500",  # the machine may be busy
                       "--pid", str(server.pid)]
            if not os.environ.get("SIGLIP_SANITIZED"):
                command += ["--peak-mib", "160"]
            attack = subprocess.run(command, capture_output=True, text=True, timeout=300)
            self.assertEqual(attack.returncode, 0, attack.stdout + attack.stderr)
        finally:
            server.terminate()
            status = server.wait(30)
            server.stdout.close()
        self.assertEqual(status, 0)


if __name__ == "__main__":
    unittest.main()
