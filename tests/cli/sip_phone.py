# SPDX-License-Identifier: ISC
"""Phones for tests, and what passes between them."""
import hashlib
import os
import re
import socket
import ssl
import sys
import time

own, domain = sys.argv[2], sys.argv[3]


def address(text):
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


server = address(sys.argv[1])
run = "%x" % time.time_ns()
count = 0


def fresh(what):
    global count
    count += 1
    return "%s%s-%d" % (what, run, count)


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


class Message:
    def __init__(self, text):
        self.text = text
        head, self.body = text.split("\r\n\r\n", 1)
        self.first, *lines = head.split("\r\n")
        self.fields = [tuple(x.strip() for x in l.split(":", 1)) for l in lines]

    def all(self, name):
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def one(self, name):
        v = self.all(name)
        assert len(v) == 1, "%d times %s in\n%s" % (len(v), name, self.text)
        return v[0]

    def cseq(self):
        return self.one("CSeq")


def secured(s, peer):
    """TLS to a peer, which proves the address; SIP_CA says who vouches for it."""
    return ssl.create_default_context(cafile=os.environ["SIP_CA"]).wrap_socket(
        s, server_hostname=peer)


class Phone:
    """A user at a transport address, over UDP, TCP or TLS; to a peer, or to the
    port 5061 of one that is told for other transports.  A peer by IPv6 has phones at
    ::1."""

    def __init__(self, user, over="UDP", at=None):
        self.user, self.over, self.buffer, self.seen = user, over, b"", set()
        kind = socket.SOCK_DGRAM if over == "UDP" else socket.SOCK_STREAM
        host, port = at or server
        six = ":" in host
        self.s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind)
        self.s.bind(("::1" if six else own, 0))
        self.s.settimeout(20)
        self.s.connect((host, 5061 if over == "TLS" else port))
        self.at = "%s:%d" % ("[::1]" if six else own, self.s.getsockname()[1])
        if over == "TLS":
            self.s = secured(self.s, host)
        self.domain = domain
        self.scheme("sips" if over == "TLS" else "sip")

    def scheme(self, scheme):
        self.aor = "%s:%s@%s" % (scheme, self.user, self.domain)
        self.contact = "%s:%s@%s" % (scheme, self.user, self.at)
        if scheme == "sip" and self.over != "UDP":
            self.contact += ";transport=" + self.over.lower()

    # --- bytes

    def send(self, text):
        self.s.sendall(text.encode())

    def recv(self):
        while True:
            if self.over == "UDP":
                text = self.s.recv(65536).decode()
            else:
                text = self.stream()
            if self.over != "UDP" or text not in self.seen:
                self.seen.add(text)
                return Message(text)

    def stream(self):
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end >= 0:
                n = re.search(rb"\r\nContent-Length: *(\d+)", self.buffer[:end])
                end += 4 + int(n.group(1))
                if len(self.buffer) >= end:
                    text, self.buffer = self.buffer[:end], self.buffer[end:]
                    return text.decode()
            data = self.s.recv(65536)
            assert data, "the connection has been closed"
            self.buffer += data

    # --- messages

    def expect(self, start):
        m = self.recv()
        while m.first.startswith("SIP/2.0 100 ") and not start.startswith("SIP/2.0 100"):
            m = self.recv()
        assert m.first.startswith(start), "%s wanted, got\n%s" % (start, m.text)
        return m

    def nothing(self):
        """All that was sent before has been dealt with, and nothing came of it."""
        q = self.request("OPTIONS", "sip:" + domain, "sip:" + domain)
        self.send(q)
        a = self.expect("SIP/2.0 200")
        assert a.one("Call-ID") == Message(q).one("Call-ID"), a.text

    def request(self, method, uri, to, call=None, cseq=1, fields="", body="",
                tag=None, contact=None):
        return ("%s %s SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=%s\r\n"
                "Max-Forwards: 70\r\nFrom: <%s>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\n"
                "CSeq: %d %s\r\nContact: %s\r\n%sContent-Length: %d\r\n\r\n%s"
                % (method, uri, self.over, self.at, fresh("z9hG4bK"),
                   self.aor, tag or fresh("t"), to if "<" in to else "<%s>" % to,
                   call or fresh("c"), cseq, method, contact or "<%s>" % self.contact,
                   fields, len(body), body))

    def credentials(self, method, uri, refusal):
        status = refusal.first[8:11]
        name = "WWW-Authenticate" if status == "401" else "Proxy-Authenticate"
        assert refusal.all(name), refusal.text
        nonce = re.search('nonce="([^"]*)"', refusal.all(name)[0]).group(1)
        a1 = md5("%s:%s:sip-pw" % (self.user, domain))
        a2 = md5("%s:%s" % (method, uri))
        answer = md5("%s:%s:00000001:cn:auth:%s" % (a1, nonce, a2))
        return ('%sAuthorization: Digest username="%s",realm="%s",nonce="%s",uri="%s",'
                'response="%s",qop=auth,nc=00000001,cnonce="cn",algorithm=MD5\r\n'
                % ("" if status == "401" else "Proxy-", self.user, domain, nonce, uri,
                   answer))

    def ask(self, method, uri, to=None, fields="", body="", contact=None):
        """With a password, when it is asked for; gives the request as it went out."""
        to, call, tag = to or uri, fresh("c"), fresh("t")
        q = self.request(method, uri, to, call, 1, fields, body, tag, contact)
        self.send(q)
        refusal = self.expect("SIP/2.0 40")
        if method == "INVITE":
            self.ack(Message(q), refusal)
        q = self.request(method, uri, to, call, 2,
                         fields + self.credentials(method, uri, refusal), body, tag,
                         contact)
        self.send(q)
        return Message(q)

    def register(self, contact=None, expires=60):
        uri = self.aor.split(":")[0] + ":" + domain
        m = self.ask("REGISTER", uri, self.aor, "Expires: %d\r\n" % expires, "",
                     contact)
        a = self.expect("SIP/2.0 200")
        assert a.cseq() == m.cseq()
        return self

    def reply(self, m, status, fields="", body="", tag="theirs"):
        """As the far end does: the Vias and Record-Routes as they came."""
        to = m.one("To")
        if "tag=" not in to and status != 100:
            to += ";tag=" + tag
        rest = "".join("%s: %s\r\n" % (n, v) for n, v in m.fields
                       if n.lower() in ("via", "record-route"))
        self.send("SIP/2.0 %d Whatever\r\n%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\n"
                  "CSeq: %s\r\nContact: <%s>\r\n%sContent-Length: %d\r\n\r\n%s"
                  % (status, rest, m.one("From"), to, m.one("Call-ID"), m.cseq(),
                     self.contact, fields, len(body), body))

    def cancel(self, q):
        """Of a request of ours that is not answered yet."""
        self.send("CANCEL %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: %s\r\n"
                  "To: %s\r\nCall-ID: %s\r\nCSeq: %s CANCEL\r\nContent-Length: 0"
                  "\r\n\r\n"
                  % (q.first.split()[1], q.one("Via"), q.one("From"), q.one("To"),
                     q.one("Call-ID"), q.cseq().split()[0]))

    def ack(self, q, a):
        """Of an answer that is no 2xx: hop by hop."""
        self.send("ACK %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s"
                  "\r\nCall-ID: %s\r\nCSeq: %s ACK\r\nContent-Length: 0\r\n\r\n"
                  % (q.first.split()[1], q.one("Via"), q.one("From"), a.one("To"),
                     q.one("Call-ID"), q.cseq().split()[0]))


class Dialog:
    """One side of a call that has been answered, from the request or the answer."""

    def __init__(self, phone, asked, answer, caller):
        self.phone, self.seq = phone, 100
        m = answer if caller else asked
        self.routes = m.all("Record-Route")
        if caller:
            self.routes.reverse()
        self.target = re.search("<(.*)>", m.one("Contact")).group(1)
        self.mine = answer.one("From" if caller else "To")
        self.far = answer.one("To" if caller else "From")
        self.call = answer.one("Call-ID")

    def send(self, method, fields="", body="", cseq=None):
        if cseq is None:
            self.seq += 1
            cseq = self.seq
        fields += "".join("Route: %s\r\n" % r for r in self.routes)
        text = self.phone.request(method, self.target, self.far, self.call, cseq,
                                  fields, body)
        text = re.sub("From: .*\r\n", "From: %s\r\n" % self.mine.replace("\\", r"\\"),
                      text, count=1)
        self.phone.send(text)
        return Message(text)


def answered(asked, answer):
    """One final answer with what it has to repeat, and no Via but ours."""
    assert answer.one("CSeq") == asked.one("CSeq"), answer.text
    assert answer.one("Call-ID") == asked.one("Call-ID"), answer.text
    assert answer.one("From") == asked.one("From"), answer.text
    branch = re.search("branch=([^;]*)", asked.one("Via")).group(1)
    assert "branch=" + branch in answer.one("Via"), answer.text


def passed(asked, came, hops=1):
    """What proxies have to leave alone is as it was sent, and it went so far."""
    assert came.body == asked.body
    for n, v in asked.fields:
        if n not in ("Via", "Max-Forwards", "Route", "Proxy-Authorization"):
            assert v in came.all(n), "%s: %s not in\n%s" % (n, v, came.text)
    assert came.all("Proxy-Authorization") == [], came.text
    assert int(came.one("Max-Forwards")) == int(asked.one("Max-Forwards")) - hops
    assert len(came.all("Via")) == 1 + hops, came.text


def call(alice, bob, ring=True, hops=1, sdp="v=0\r\n"):
    """A call that is answered: alice's and bob's dialog."""
    q = alice.ask("INVITE", bob.aor, fields="X-Odd:  as it  was ;,;\r\n", body=sdp)
    alice.expect("SIP/2.0 100")
    i = bob.expect("INVITE " + bob.contact)
    passed(q, i, hops)
    if ring:
        bob.reply(i, 180)
        alice.expect("SIP/2.0 180")
    bob.reply(i, 200, body="v=0\r\n")
    a = alice.expect("SIP/2.0 200")
    answered(q, a)
    assert a.body == "v=0\r\n"
    dialog = Dialog(alice, q, a, True)
    dialog.send("ACK", cseq=2)
    k = bob.expect("ACK " + bob.contact)
    assert k.all("Route") == [], k.text
    theirs = Message("SIP/2.0 200 X\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\n\r\n"
                     % (a.one("From"), a.one("To"), a.one("Call-ID")))
    return dialog, Dialog(bob, i, theirs, False)


def transact(asker, answerer, method, fields="", body="", status=200, hops=1):
    """A request inside of a dialog, and its answer."""
    q = asker.send(method, fields, body)
    m = answerer.phone.expect(method + " " + asker.target)
    passed(q, m, hops)
    answerer.phone.reply(m, status)
    a = asker.phone.expect("SIP/2.0 %d" % status)
    answered(q, a)
    return q, m


def hang_up(asker, answerer):
    transact(asker, answerer, "BYE")


def bound(*phones):
    """They are all that is registered of their users."""
    for p in phones:
        p.register("*", 0)
    for p in phones:
        p.register()
