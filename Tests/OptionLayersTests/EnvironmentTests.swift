import OptionLayers
import Testing

struct EnvironmentTests {
    @Test func `variables of the command are its options`() throws {
        let layer = try environment([
            "ORCHESTRION_WORKER_SLOTS": "8", "ORCHESTRION_WORKER_HTTP_NAME": "one, two",
            "ORCHESTRION_WORKER_MODEL": #"["/a,b", "/c"]"#, "ORCHESTRION_WORKER_SECURE": "off",
            "ORCHESTRION_WORKER_COLOUR": "YES", "ORCHESTRION_WORKER_LEASE": "",
        ])
        #expect(layer["slots"] == .init(.text("8"), .environment("ORCHESTRION_WORKER_SLOTS")))
        #expect(layer["http-name"]?.value == .list(["one", "two"]))
        #expect(layer["model"]?.value == .list(["/a,b", "/c"]))
        #expect(layer["secure"]?.value == .flag(false) && layer["colour"]?.value == .flag(true))
        #expect(layer["lease"] == nil)
    }

    @Test func `variables of others are left alone`() throws {
        let layer = try environment([
            "ORCHESTRION_CONNECT": "x", "ORCHESTRION_KEY": "x", "ORCHESTRION_FAULT": "x", "ORCHESTRION_ISA": "x",
            "ORCHESTRION_COORDINATOR_STATE": "x", "PATH": "x",
        ])
        #expect(layer.settings.isEmpty)
    }

    @Test(arguments: [
        ("SLOT", "8", "did you mean $ORCHESTRION_WORKER_SLOTS?"), ("SECURE", "maybe", "must be true or false"),
        ("MODEL", "[\"a\"", "is no list"), ("PORTS", "1", "no option ports"),
    ])
    func `what is wrong is told with the variable's name`(option: String, value: String, words: String) {
        let told = refusal { try environment(["ORCHESTRION_WORKER_\(option)": value]) }
        #expect(
            told?.contains("$ORCHESTRION_WORKER_\(option)") == true && told?.contains(words) == true, "\(told ?? "")")
    }

    @Test(arguments: [
        "SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_ZMQ", "PORT", "PORT_5550_TCP", "PORT_5550_TCP_ADDR",
        "PORT_5550_TCP_PROTO", "METRICS_SERVICE_HOST", "METRICS_PORT_80_TCP_PORT",
    ])
    func `what Kubernetes says of its services is no setting`(rest: String) throws {
        #expect(try environment(["ORCHESTRION_WORKER_\(rest)": "tcp://10.0.0.1:5550"]).settings.isEmpty)
    }
}
