/// Why a host cannot do what is wanted of it.
package struct HostFault: Error, Sendable, Equatable, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }

    /// What ssh said, with what to do about it.
    ///
    /// - Parameters:
    ///   - host: as the user names it.
    ///   - code: of ssh: 255 is its own failure.
    ///   - said: its standard error, of which the last lines matter.
    package init(ssh host: String, code: Int32, said: String) {
        let lines = said.split(whereSeparator: \.isNewline).map { Self.plain(String($0)) }.filter { !$0.isEmpty }
        let last = lines.suffix(2).joined(separator: "; ")
        func has(_ text: String) -> Bool { said.containsWords(text) }
        if has("REMOTE HOST IDENTIFICATION HAS CHANGED") {
            self.init(
                "the host's key is not the one that ssh knows. If the machine was installed anew, ssh-keygen -R NAME forgets the "
                    + "old one, and `ssh \(host)` takes the new one; else somebody is in between")
        } else if has("Host key verification failed") || has("host key is known for") {
            self.init(
                "ssh does not know this host's key yet, and nobody is asked here: run `ssh \(host)` once, compare the key and "
                    + "say yes")
        } else if has("Permission denied") {
            self.init(
                "ssh was not let in (\(last)), and no password is asked for: let your key in with `ssh-copy-id \(host)`, unlock "
                    + "it with ssh-add, or name another user, as USER@\(host)")
        } else if has("Could not resolve hostname") {
            self.init("ssh knows no such host (\(last)); correct its name, or give it an entry in ~/.ssh/config")
        } else if has("Connection refused") || has("timed out") || has("No route to host") || has("unreachable") {
            self.init("it cannot be reached (\(last)): is it on, does sshd run there, is the port right?")
        } else if code == 255 {
            self.init("ssh failed\(last.isEmpty ? "" : ": \(last)")")
        } else {
            self.init("its shell gave no answer (exit code \(code))\(last.isEmpty ? "" : ": \(last)")")
        }
    }

    /// Without characters that a terminal would obey, and not long.
    static func plain(_ text: String) -> String {
        String(clean(text).prefix(300))
    }

    static func clean(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
    }
}

extension String {
    fileprivate func containsWords(_ text: String) -> Bool { lowercased().contains(text.lowercased()) }
}
