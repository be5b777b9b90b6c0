/// Settings in the environment: `ORCHESTRION_WORKER_SLOTS=8` is `--slots 8` of a worker.
///
/// The command's name is in the variable, so that variables of other commands, and those that mean something to all
/// (`ORCHESTRION_CONNECT`), are nothing to it.
package enum EnvironmentSettings {
    package static func prefix(of command: String) -> String { "ORCHESTRION_\(word(command))_" }

    package static func variable(_ option: String, of command: String) -> String { prefix(of: command) + word(option) }

    private static func word(_ name: String) -> String { name.uppercased().replacing("-", with: "_") }

    /// An empty variable says nothing.
    ///
    /// - Throws: `SettingError` for variables with the command's prefix that are no option, and for values that an option
    ///   cannot have.
    package static func layer(_ environment: [String: String], of table: OptionTable) throws -> OptionLayer {
        let prefix = prefix(of: table.command)
        let options = Dictionary(uniqueKeysWithValues: table.options.map { (word($0.name), $0) })
        var layer = OptionLayer()
        for (variable, value) in environment.sorted(by: { $0.key < $1.key })
        where variable.hasPrefix(prefix) && !value.isEmpty {
            let rest = String(variable.dropFirst(prefix.count))
            guard let option = options[rest] else {
                if isServiceLink(rest) { continue }
                let name = rest.lowercased().replacing("_", with: "-")
                throw SettingError(
                    "$\(variable): \(table.command) has no option \(name)"
                        + table.hint(for: name) { "$\(self.variable($0, of: table.command))" })
            }
            let origin = Origin.environment(variable)
            try layer.set(option, written(value, option, origin), origin)
        }
        return layer
    }

    private static func written(_ value: String, _ option: OptionTable.Option, _ origin: Origin) throws -> WrittenValue
    {
        if option.isFlag {
            switch value.lowercased() {
            case "1", "true", "yes", "on": return .flag(true)
            case "0", "false", "no", "off": return .flag(false)
            default: throw SettingError("\(origin) is \(value), and must be true or false")
            }
        }
        guard option.isRepeatable else { return .text(value) }
        if value.hasPrefix("[") {
            guard let list = SettingsFile.list(value) else {
                throw SettingError("\(origin) begins with [ and is no list, as [\"one\", \"two\"]")
            }
            return list
        }
        return .list(value.split(separator: ",").map { .text($0.trimmingPrefix { $0 == " " }.description) })
    }

    /// What Kubernetes puts into the environment of a pod for each service: with a service called
    /// `orchestrion-coordinator`, `ORCHESTRION_COORDINATOR_SERVICE_HOST`, `…_PORT` and `…_PORT_5550_TCP_ADDR`.
    static func isServiceLink(_ rest: String) -> Bool {
        rest.wholeMatch(
            of:
                /(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:ADDR|PORT|PROTO))?)?)/
        ) != nil
    }
}
