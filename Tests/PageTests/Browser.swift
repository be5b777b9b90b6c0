import Foundation
import TestSupport

/// A browser without a window, driven over HTTP (W3C WebDriver).
final class Browser {
    private let driver: ChildProcess
    private let address: String
    private let session: String
    private let site: String

    /// Where Debian has them.
    private static let (program, driverProgram) = ("/usr/bin/chromium", "/usr/bin/chromedriver")
    static var isThere: Bool {
        [program, driverProgram].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Where the script is that looks at a page's accessibility; Scripts/check-page says it.
    static let axe = ProcessInfo.processInfo.environment["ORCHESTRION_AXE"]

    /// - Parameter site: the address of the HTTP API, `http://127.0.0.1:PORT`.
    init(site: String) async throws {
        self.site = site
        let folder = try TestFolder.make("browser")
        driver = try ChildProcess(
            name: "chromedriver", executable: Self.driverProgram, arguments: ["--port=0"],
            environment: ["HOME": folder], folder: folder, logs: folder)
        let process = driver
        var port = ""
        try await TestSupport.wait(for: "chromedriver to start") {
            guard process.isRunning else { throw TestSupportError("chromedriver ended: \(process.errorOutput)") }
            port = process.output.firstMatch(of: /started successfully on port (\d+)/).map { String($0.1) } ?? ""
            return !port.isEmpty
        }
        address = "http://127.0.0.1:\(port)"
        // A pipe, so that the browser ends with its driver, whatever ends that.
        let arguments = [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--remote-debugging-pipe",
            "--user-data-dir=\(folder)/profile", "--window-size=1280,860", "--force-device-scale-factor=1",
            "--force-prefers-reduced-motion",
        ]
        let options: [String: Any] = ["binary": Self.program, "args": arguments]
        let wanted: [String: Any] = [
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": ["browser": "ALL"],
        ]
        let made = try await Self.ask(
            address, "POST", "/session", ["capabilities": ["alwaysMatch": wanted]])
        guard let id = (made as? [String: Any])?["sessionId"] as? String else {
            throw TestSupportError("chromedriver began no session: \(made)")
        }
        session = "/session/\(id)"
    }

    func end() async {
        _ = try? await Self.ask(address, "DELETE", session, nil)
        driver.kill()
    }

    private static func ask(
        _ address: String, _ method: String, _ path: String, _ body: [String: Any]?
    ) async throws -> Any {
        let data = method == "GET" ? Data() : try JSONSerialization.data(withJSONObject: body ?? [:])
        let (head, answer) = try await exchange(address, "\(method) \(path) HTTP/1.1", [UInt8](data))
        let object = try JSONSerialization.jsonObject(with: Data(answer)) as? [String: Any] ?? [:]
        guard head.hasPrefix("HTTP/1.1 200") else {
            let message = (object["value"] as? [String: Any])?["message"] as? String ?? head
            throw TestSupportError("\(method) \(path): \(message)")
        }
        return object["value"] ?? NSNull()
    }

    /// The driver leaves connections open, whatever it is asked.
    private static func exchange(
        _ address: String, _ request: String, _ body: [UInt8]
    ) async throws -> (head: String, body: [UInt8]) {
        let client = try RawClient(address)
        let fields = ["Host: localhost", "Content-Type: application/json", "Content-Length: \(body.count)"]
        _ = await client.send(
            Array(([request] + fields).joined(separator: "\r\n").utf8) + Array("\r\n\r\n".utf8) + body)
        var bytes: [UInt8] = []
        var end: (head: String, start: Int, length: Int)?
        while end.map({ bytes.count < $0.start + $0.length }) ?? true {
            guard let more = await client.receive() else { throw TestSupportError("chromedriver does not answer") }
            bytes += more
            guard end == nil, let blank = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { continue }
            let head = String(decoding: bytes[..<blank.lowerBound], as: UTF8.self)
            let length = head.firstMatch(of: /(?i)content-length: *(\d+)/).flatMap { Int($0.1) } ?? 0
            end = (head, blank.upperBound, length)
        }
        guard let end else { throw TestSupportError("chromedriver does not answer") }
        return (end.head, Array(bytes[end.start...]))
    }

    private func ask(_ path: String, _ body: [String: Any] = [:]) async throws -> Any {
        try await Self.ask(address, "POST", session + path, body)
    }

    // MARK: what a person does

    /// - Parameter path: of the page, such as `/#/compose`.
    func open(_ path: String) async throws { _ = try await ask("/url", ["url": site + path]) }

    func reload() async throws { _ = try await ask("/refresh") }

    private func element(_ selector: String) async throws -> String {
        let found = try await ask("/element", ["using": "css selector", "value": selector])
        guard let id = (found as? [String: String])?.values.first else { throw TestSupportError("\(found)") }
        return "/element/\(id)"
    }

    func click(_ selector: String) async throws { _ = try await ask(element(selector) + "/click") }

    /// Takes what is in a field away, and types.
    func type(_ text: String, into selector: String) async throws {
        let element = try await element(selector)
        _ = try await ask(element + "/clear")
        _ = try await ask(element + "/value", ["text": text])
    }

    /// Presses and releases keys, one after another.
    func press(_ keys: String...) async throws {
        let actions = keys.flatMap { [["type": "keyDown", "value": $0], ["type": "keyUp", "value": $0]] }
        _ = try await ask("/actions", ["actions": [["type": "key", "id": "keys", "actions": actions]]])
    }

    // MARK: what a person sees

    /// Runs a script in the page.
    ///
    /// - Parameter expression: JavaScript; `arguments` holds `values`.
    func value(_ expression: String, _ values: [Any] = []) async throws -> Any {
        try await ask("/execute/sync", ["script": "return (\(expression))", "args": values])
    }

    /// Runs a script whose value does not matter.
    func run(_ script: String) async throws { _ = try await ask("/execute/sync", ["script": script, "args": []]) }

    func text(_ expression: String) async throws -> String { try await value(expression) as? String ?? "" }

    func number(_ expression: String) async throws -> Double {
        let value = try await value("Number(\(expression))")
        return (value as? NSNumber)?.doubleValue ?? .nan
    }

    /// Waits until an expression holds.
    func wait(for what: String, until expression: String) async throws {
        do {
            try await TestSupport.wait(for: what, interval: .milliseconds(100)) {
                try await value("!!(\(expression))") as? Bool ?? false
            }
        } catch let error as TestSupportError {
            let log = (try? await errors()) ?? []
            throw TestSupportError(
                "\(error); the console: \(log); the page: \(try await text("document.body.innerText"))")
        }
    }

    /// Errors and warnings of the console since it was looked at last.
    func errors() async throws -> [String] {
        let entries = try await ask("/se/log", ["type": "browser"]) as? [[String: Any]] ?? []
        return entries.filter { ["SEVERE", "WARNING"].contains($0["level"] as? String) }
            .map { $0["message"] as? String ?? "" }
    }

    /// Width and height in pixels, and the theme.
    func look(width: Int, height: Int = 860, isDark: Bool) async throws {
        func command(_ name: String, _ parameters: [String: Any]) async throws {
            _ = try await ask("/goog/cdp/execute", ["cmd": name, "params": parameters])
        }
        let size: [String: Any] = ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": false]
        try await command("Emulation.setDeviceMetricsOverride", size)
        let theme = ["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]
        try await command("Emulation.setEmulatedMedia", ["features": [theme]])
    }

    /// Keeps a picture of the page as `NAME.png` in the folder that `ORCHESTRION_PAGE_PICTURES` names.
    func picture(_ name: String) async throws {
        guard let folder = ProcessInfo.processInfo.environment["ORCHESTRION_PAGE_PICTURES"] else { return }
        let shot = try await Self.ask(address, "GET", session + "/screenshot", nil) as? String ?? ""
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try (Data(base64Encoded: shot) ?? Data()).write(to: URL(fileURLWithPath: "\(folder)/\(name).png"))
    }
}

/// Keys that are no letters, as WebDriver calls them.
enum Key {
    static let (enter, home, arrowRight, arrowDown) = ("\u{E007}", "\u{E011}", "\u{E014}", "\u{E015}")
}
