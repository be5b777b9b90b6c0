import Foundation

/// What Prometheus itself says of a text of metrics.
package enum PrometheusCheck {
    private static let tool = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
    private static let note: Void = print(
        "promtool is not installed (Debian: prometheus), so that Prometheus' own check of metrics is left away")

    /// Checks a text, where Prometheus is installed.
    ///
    /// - Throws: `TestSupportError` with what it finds.
    package static func check(_ text: String) async throws {
        guard let tool else { return note }
        let file = try TestFolder.place("metrics.prom")
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let process = try ChildProcess(
            name: "promtool", executable: "/bin/sh", arguments: ["-c", "exec '\(tool)' check metrics < '\(file)'"],
            folder: TestFolder.make("promtool"), logs: TestFolder.make("promtool"))
        let ending = try await process.waitForEnd()
        guard ending == .exited(0), process.output.isEmpty, process.errorOutput.isEmpty else {
            throw TestSupportError("promtool check metrics: \(process.output)\(process.errorOutput)")
        }
    }
}
